import json
import subprocess

import pytest
from django.test import Client

from approvals.lifecycle.enrich import due_readings, read_source
from approvals.lifecycle.receipt import ensure_signing_key
from approvals.lifecycle.redeem import Drift
from approvals.models import Reading
from portal.kernel.clock import now
from tests import factories
from tests.factories import ask, decide, redeem
from tests.integration.pages import as_, text

HOLDS_HEAD = """\
policy: shop
facts: v1
match: {projects: ["**"], environments: ["*"], actions: ["*"]}
rules:
  - id: lead
    when: request.tier == 'production'
    require: {count: 1, from: [team-leads]}
decide_within: 24h
valid_for: 1h
hold: [git.head]
default: {require: {count: 1, from: [team-leads]}}
"""


def answer(person, request, outcome="approve", comment="Looks right", htmx=False, **more):
    request.refresh_from_db()
    fields = {"outcome": outcome, "comment": comment, "snapshot": request.snapshot.digest, **more}
    headers = {"HX-Request": "true"} if htmx else {}
    return as_(person).post(f"/requests/{request.id}/decide", fields, headers=headers)


def test_an_approval_is_recorded_and_the_page_says_its_entry(who):
    request = ask(who)
    response = answer(who.alice, request)
    request.refresh_from_db()
    assert request.status == "approved"
    assert (response.status_code, response["Location"]) == (303, f"/requests/{request.id}")
    assert "Approved. Entry " in text(response.client.get(response["Location"]))


def test_by_htmx_one_line_comes_back_and_the_page_reads_itself_again(who):
    """The pipeline is answered at the same moment: making the page here would delay it."""
    request = ask(who)
    response = answer(who.alice, request, htmx=True)
    assert response.status_code == 200
    assert "<!doctype" not in response.content.decode()
    assert "Approved. Entry " in text(response)
    assert 'id="r-side"' not in response.content.decode()
    told = json.loads(response["HX-Trigger"])
    assert told == {"reread": {"seen": request.snapshot.digest}}


def test_a_rejection_says_why(who):
    request = ask(who)
    response = answer(who.alice, request, "reject", "  ")
    assert response.status_code == 422
    assert "say why" in text(response)
    assert answer(who.alice, request, "reject", "Not today").status_code == 303
    request.refresh_from_db()
    assert request.status == "rejected"


@pytest.mark.parametrize("comment", ["x" * 5000, "red\x1b[31m"])
def test_a_comment_that_cannot_be_taken_is_kept_on_the_page(who, comment):
    response = answer(who.alice, ask(who), comment=comment)
    assert response.status_code == 422
    assert response.context["comment"] == comment


def test_a_third_outcome_is_refused(who):
    assert answer(who.alice, ask(who), outcome="maybe").status_code == 422


def test_who_may_not_decide_gets_the_sentence_and_nothing_is_recorded(who):
    request = ask(who)
    response = answer(who.carol, request, comment="my words")
    assert response.status_code == 403
    assert "you own the service account that asked" in text(response)
    assert request.decisions.count() == 0


def test_an_outsider_gets_not_found(who):
    assert answer(who.mallory, ask(who)).status_code == 404


def test_a_decision_on_what_is_decided_already_is_refused(who):
    request = decide(ask(who), who.bob)
    response = answer(who.alice, request, comment="kept words")
    assert response.status_code == 409
    assert "nothing waits" in text(response)
    assert "kept words" in response.content.decode()


@pytest.mark.parametrize("shown", ["", "\0", "sha256:" + "0" * 64])
def test_without_the_facts_that_were_on_the_screen_nothing_is_decided(who, shown):
    request = ask(who)
    assert answer(who.alice, request, snapshot=shown).status_code == 409
    assert request.decisions.count() == 0


def test_get_approves(who):
    """ATTACKS E1: a link, a scanner or a prefetch decides nothing."""
    request = ask(who)
    response = as_(who.alice).get(
        f"/requests/{request.id}/decide?outcome=approve&snapshot={request.snapshot.digest}"
    )
    assert response.status_code == 405
    assert request.decisions.count() == 0


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_csrf_approve(who, headers):
    """ATTACKS E2: another site's form decides nothing, by htmx neither."""
    request = ask(who)
    client = Client(enforce_csrf_checks=True, headers=headers)
    client.force_login(who.alice)
    fields = {"outcome": "approve", "snapshot": request.snapshot.digest}
    assert client.post(f"/requests/{request.id}/decide", fields).status_code == 403
    assert request.decisions.count() == 0


def test_stale_page_vote(db, tmp_path):
    """ATTACKS B20: the branch moved after the page was opened."""
    ensure_signing_key()
    commit(tmp_path, "one")
    who = factories.company(HOLDS_HEAD, repository=str(tmp_path))
    request = ask(who, subject={"commit": commit(tmp_path, "two")})
    read_facts(request)
    opened = request.snapshot.digest
    commit(tmp_path, "three")
    read_facts(request)
    response = answer(who.alice, request, comment="kept words", snapshot=opened)
    assert response.status_code == 409
    assert request.decisions.count() == 0
    assert "Not recorded" in text(response)
    body = response.content.decode()
    assert "kept words" in body
    assert 'data-fact="git.head"' in body
    assert f'name="snapshot" value="{request.snapshot.digest}"' in body
    assert answer(who.alice, request).status_code == 303


def test_after_drift_the_new_round_marks_what_moved(db, tmp_path):
    ensure_signing_key()
    commit(tmp_path, "one")
    who = factories.company(HOLDS_HEAD, repository=str(tmp_path))
    request = ask(who, subject={"commit": commit(tmp_path, "two")})
    read_facts(request)
    decide(request, who.bob)
    commit(tmp_path, "three")
    with pytest.raises(Drift):
        redeem(who, request)
    response = as_(who.alice).get(f"/requests/{request.id}")
    assert "Facts changed · round 2" in text(response)
    assert "This is round 2." in text(response)
    assert 'data-fact="git.head"' in response.content.decode()
    assert "round 1, no longer counts" in text(response)


def commit(folder, subject):
    def git(*arguments):
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q", "-b", "main")
    identity = ("-c", "user.name=Eve", "-c", "user.email=eve@example.com")
    git(*identity, "commit", "-q", "--allow-empty", "-m", subject)
    return git("rev-parse", "HEAD")


def read_facts(request):
    Reading.objects.filter(request=request).update(next_try=now())
    for request_id, source in due_readings():
        read_source(request_id, source)
    request.refresh_from_db()
