"""One workload token from several sides at once, and a trust that is archived meanwhile."""

from portal.accounts.models import ProjectToken
from portal.accounts.trusts.configure import archive_trust
from portal.accounts.trusts.exchange import exchange_token
from tests.races.together import behind, errors, together
from tests.workloads import github, signed, trust


def run_tokens():
    return ProjectToken.objects.filter(trust__isnull=False)


def test_one_token_eight_times_at_once_gives_one_run_token(who):
    trust(who)
    for number in range(1, 4):
        token = signed(github(run_id=str(number)))
        calls = [lambda token=token: exchange_token(project="shop", token=token)] * 8
        results = together(*calls)
        assert errors(results) == ["Unauthenticated"] * 7
        assert {r.error.code for r in results if r.error} == {"token-used"}
        assert run_tokens().count() == number


def test_a_trust_that_is_archived_meanwhile_gives_nothing(who):
    made = trust(who)
    token = signed(github())
    result = behind(
        lambda: archive_trust(by=who.admin, trust=made),
        lambda: exchange_token(project="shop", token=token),
    )
    assert result.error.code == "untrusted"
    assert not run_tokens().exists()


def test_what_it_gave_just_before_ends_with_it(who):
    made = trust(who)
    token = signed(github())
    result = behind(
        lambda: exchange_token(project="shop", token=token),
        lambda: archive_trust(by=who.admin, trust=made),
    )
    assert result.error is None
    assert run_tokens().get().revoked_at is not None
