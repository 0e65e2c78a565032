"""What answers say about how often their server may be asked."""

from datetime import UTC, datetime, timedelta

import pytest

from approvals.context.limits import LONGEST, Limit, limit_of

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
IN_A_MINUTE = AT + timedelta(minutes=1)
EPOCH = str(int(IN_A_MINUTE.timestamp()))


@pytest.mark.parametrize(
    ("status", "headers", "limit"),
    [
        (200, {}, Limit()),
        (200, {"retry-after": "60"}, Limit()),
        (200, {"x-ratelimit-remaining": "7", "x-ratelimit-reset": EPOCH}, Limit(7, IN_A_MINUTE)),
        (200, {"ratelimit-remaining": "7", "ratelimit-reset": "60"}, Limit(7, IN_A_MINUTE)),
        (
            200,
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": EPOCH},
            Limit(0, IN_A_MINUTE, IN_A_MINUTE),
        ),
        (200, {"x-ratelimit-remaining": "0"}, Limit(0, None, IN_A_MINUTE)),
        (429, {}, Limit(None, None, IN_A_MINUTE)),
        (429, {"retry-after": "60"}, Limit(None, None, IN_A_MINUTE)),
        (503, {"retry-after": "Wed, 25 Nov 2026 12:01:00 GMT"}, Limit(None, None, IN_A_MINUTE)),
        (429, {"retry-after": "999999"}, Limit(None, None, AT + LONGEST)),
        (429, {"retry-after": "Wed, 25 Nov 2099 12:01:00 GMT"}, Limit(None, None, AT + LONGEST)),
        (403, {}, Limit()),
        (503, {}, Limit()),
    ],
)
def test_what_is_understood(status, headers, limit):
    assert limit_of(status, headers, AT) == limit


@pytest.mark.parametrize("text", ["", "-1", "soon", "1e9", "٣", "9" * 40, "Wed, 99 Nov", "\x00"])
def test_nonsense_is_no_limit_and_no_error(text):
    names = ("x-ratelimit-remaining", "x-ratelimit-reset", "retry-after")
    found = limit_of(503, dict.fromkeys(names, text), AT)
    assert found == Limit()
