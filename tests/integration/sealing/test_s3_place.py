"""Object storage that keeps checkpoints under a lock."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.sealer.places import places_of
from portal.sealer.refusals import WrongSetting
from tests.integration.sealing.outside import NOTE, anchored, looked_at, refusal, seal_more


def test_s3_keeps_each_checkpoint_locked(sealed, bucket):
    anchored(sealed, bucket.address)
    seal_more(sealed)
    anchored(sealed, bucket.address)
    assert bucket.notes() == [sealed.one(NOTE, 3), sealed.one(NOTE, 4)]
    for found in bucket.objects():
        assert found["ObjectLockMode"] == "COMPLIANCE"
        until = found["ObjectLockRetainUntilDate"]
        assert until > datetime.now(UTC) + timedelta(days=29)


def test_s3_is_not_fooled_by_a_delete_marker(sealed, bucket):
    anchored(sealed, bucket.address)
    seal_more(sealed)
    anchored(sealed, bucket.address)
    bucket.hide_newest()
    ((place, history),) = looked_at(sealed, bucket.address)
    assert place.check(history).size == 4


def test_s3_says_why_not(sealed, bucket, s3_server):
    address = f"endpoint={s3_server}&region=us-east-1"
    assert refusal(sealed, f"s3://nowhere/x?{address}") == "refused: NoSuchBucket"
    bucket.client.create_bucket(Bucket=f"{bucket.name}-unlocked")
    assert refusal(sealed, f"s3://{bucket.name}-unlocked?{address}").startswith("refused: Invalid")
    closed = "s3://x?endpoint=http://127.0.0.1:1&region=us-east-1"
    assert refusal(sealed, closed) == "could not be reached: EndpointConnectionError"


@pytest.mark.parametrize(
    ("addresses", "says"),
    [
        (["s3://bucket?retain=long"], "a length of time is written"),
        (["s3://bucket?mode=none"], "compliance or governance"),
        (["s3:///x"], "is what is known"),
        (["s3://bucket?secret=x"], "is what is known"),
    ],
)
def test_a_wrong_address_of_s3_is_refused_at_the_start(addresses, says):
    with pytest.raises(WrongSetting, match=says) as refused:
        places_of(addresses)
    assert "secret" not in str(refused.value)
