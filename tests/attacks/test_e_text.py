"""Letter E of the attacks: what a forge, a repository or a number's name says is text everywhere.

E7, E9 and E10 for facts: whatever stands in a commit message, a branch, a path, a title, a check or
an incident comes out on no surface as markup, as a second line, as a formula or as nothing.
"""

import importlib.util
import logging
import re
from pathlib import Path

import pytest

from approvals.context.source import SourceFailed
from approvals.context.sources.git import GitSource
from approvals.models import Reading, Request
from portal.kernel import cells
from portal.kernel.logs import VisibleFormatter
from portal.kernel.text import make_visible, on_one_line
from tests.api import body, call
from tests.attacks.surfaces import browser
from tests.factories import STAGING_AUTO, ask

HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&",
    "attribute": "\" autofocus onfocus=alert(1) x='",
    "template": "{{ 7|add:7 }}{% load x %}{request.commit}",
    "reordering": "safe\u202egnp.exe\u2066x\u2069",
    "zero width": "pass\u200bword\u200d\ufeff\u2060",
    "blank letters": "x\u3164\u115f\u2800\u034fy",
    "tags": "ok\U000e0041\U000e0042\U000e0100",
    "terminal": "\x1b[31mred\x1b[0m\x9b2J\x07",
    "second line": "fine\r\nINFO portal: approved\u2028by\u2029all\x0b\x85",
    "formula": '=HYPERLINK("https://evil.example";"x")',
    "mentions": "@everyone <!channel> [x](https://evil.example)",
    "endless": "x" * 8000,
}
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u034f\u115f\u1160\u2028\u2029\u202a-\u202e\u200b-\u200f"
    "\u2060-\u2069\u2800\u3164\ufeff\U000e0000-\U000e01ff]"
)
WORDS = (
    "git.subject git.author git.committer git.head git.url pr.title pr.author pr.base pr.url "
    "deployment.sha deployment.by text.note alerts.worst incident.worst"
)
LISTS = (
    "git.authors git.paths pr.labels items.names ci.passed ci.failed ci.pending alerts.firing "
    "incident.open"
)
POLICY = STAGING_AUTO.replace(
    "  - id: production-lead\n",
    "  - id: said\n    when: git.subject != 'a'\n    note: 'It says {git.subject}.'\n"
    "  - id: refused\n    when: git.on_branch == false\n    deny: 'Not {git.subject}.'\n"
    "  - id: production-lead\n",
)


@pytest.fixture(params=HOSTILE)
def text(request):
    return HOSTILE[request.param]


@pytest.fixture
def tell(forge, policy, monkeypatch):
    """Makes every word of the forge this text; a policy repeats one of them."""
    more = ("ci", "pr", "alerts", "incident", "deployment", "text.note", "items.names")
    monkeypatch.setattr(GitSource, "gives", (*GitSource.gives, "git.url", *more))
    policy(POLICY)

    def put(text, *, on_branch):
        words = dict.fromkeys(WORDS.split(), text)
        lists = {name: [text] for name in LISTS.split()}
        lines = {"git.stat": [f"1 2 {text}"], "git.commits": [f"1111 {text} {text}"]}
        counts = {"ci.state": "failure", "ci.total": 3, "pr.number": 1, "git.on_branch": on_branch}
        forge.facts |= {**words, **lists, **lines, **counts}
        return forge

    return put


def harmless(page):
    """No mark-up of theirs, nothing unseen, and no more of it than people can read, but folded."""
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert not re.search(r"<[^>]*\sonfocus=", page)
    assert not UNSEEN.search(page), ascii(UNSEEN.search(page)[0])
    assert "x" * 1000 not in re.sub(r"(?s)<details[^>]* data-opens>.*?</details>", "", page)
    assert 'href="https://evil' not in page
    assert 'href="=' not in page


def test_markup_injection_in_facts(who, tell):
    """On every page that shows a request, waiting or denied."""
    page = browser(who.bob)
    for text in HOSTILE.values():
        waits = tell(text, on_branch=True).read(ask(who))
        denied = tell(text, on_branch=False).read(ask(who))
        assert (waits.status, denied.status) == ("pending", "denied")
        for request in (waits, denied):
            for address in (f"/requests/{request.id}", f"/requests/{request.id}/live"):
                harmless(page.get(address).content.decode())
        harmless(page.get(f"/queue/rows/{waits.id}").content.decode())
    for address in ("/", "/?tab=all", "/?tab=decided", "/requests/"):
        harmless(page.get(address).content.decode())


def test_control_chars_in_facts_on_the_way_to_pipelines(who, tell):
    """The sentences of the API, and the one line that curl prints."""
    for text in HOSTILE.values():
        wish = body()
        asked = call(who.secret, "post", "/gate", wish, HTTP_ACCEPT="text/plain")
        forge = tell(text, on_branch=False)
        request = forge.read(Request.objects.get(pk=asked["Countersign-Request"]))
        assert request.status == "denied"
        found = call(who.secret, "get", f"/requests/{request.id}").json()
        line = call(who.secret, "post", "/gate", wish, HTTP_ACCEPT="text/plain").content.decode()
        assert line.startswith("no denied: Denied: Not ")
        for said in (found["summary"], *found["verdict"]["explanation"], line.removesuffix("\n")):
            assert not UNSEEN.search(said)
            assert "\n" not in said
            assert len(said) < 1000


def test_control_chars_in_what_a_source_fails_with(who, forge, monkeypatch):
    """A reason quotes the outside; the page shows it, and nothing of it is kept unseen."""
    for text in HOSTILE.values():

        def fail(self, question, text=text):
            raise SourceFailed(text)

        monkeypatch.setattr(GitSource, "read", fail)
        request = forge.read(ask(who))
        assert not UNSEEN.search(Reading.objects.get(request=request).error)
        harmless(browser(who.bob).get(f"/requests/{request.id}").content.decode())


def test_hidden_unicode_is_told_by_its_number(text):
    shown = make_visible(text)
    assert not UNSEEN.search(shown)
    assert ("⟨U+" in shown) is bool(UNSEEN.search(text))
    assert "\n" not in on_one_line(text)


def test_control_chars_in_a_log_line(text):
    """One message is one line, and nothing moves the terminal that shows it."""
    record = logging.LogRecord("portal", logging.WARNING, "", 0, "git: %s", (text,), None)
    line = VisibleFormatter("%(levelname)s %(name)s: %(message)s").format(record)
    assert line.startswith("WARNING portal: git: ")
    assert not UNSEEN.search(line)
    assert "\n" not in line


def test_control_chars_in_a_traceback(text):
    try:
        raise ValueError(text)
    except ValueError as error:
        record = logging.LogRecord("portal", logging.ERROR, "", 0, "x", (), None)
        record.exc_info = (ValueError, error, error.__traceback__)
    assert not UNSEEN.search(VisibleFormatter("%(message)s").format(record))


def test_control_chars_in_what_the_client_prints(text):
    path = Path(__file__).parents[2] / "plugins" / "client" / "countersign.py"
    spec = importlib.util.spec_from_file_location("countersign_client", path)
    client = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(client)
    shown = client.visible(text)
    assert not UNSEEN.search(shown)
    assert "\n" not in shown
    assert len(shown) < 1100


def test_control_chars_in_a_spreadsheet(text):
    """A cell that would be a formula begins with an apostrophe."""
    assert not cells.harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))
