"""Evidence on paper: nothing that anybody wrote becomes markup, and everything stands there."""

import io
import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

import pypdf
import pytest
from django.utils import timezone

from approvals.audit.pdf import write_pdf
from approvals.audit.pdf.document import Document, Note, Pairs, Section, Table, both
from approvals.audit.pdf.write_pdf import as_pdf
from approvals.lifecycle.redeem import Drift
from portal.directory.groups import remove_member
from portal.directory.models import ApproverGroup
from portal.kernel.errors import TooLarge, Unavailable
from portal.ledger.models import Entry
from tests.factories import ask, decide, redeem
from tests.integration.pages import as_, text

HOSTILE = (
    '#read("/etc/passwd")', "#panic()", "$x^2$", "\\u{41}", "\n= heading", "_a_ *b* `c`", "@label",
    "<label>", "// gone", "/* gone */", '#import "@preview/a:1.0.0": *', "]", "#[", "{n}", "~-?",
)  # fmt: skip


def said(pdf):
    """The words of all pages, one space between them."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def squeezed(pdf):
    """Without any space: long words are broken at the end of a line."""
    return said(pdf).replace(" ", "")


def document(*parts, title="A title"):
    return Document(title, "about", "made", "Page {n} of {m}", [Section("Part", parts)])


def test_what_somebody_wrote_is_only_ever_text():
    parts = (
        Pairs([(one, one) for one in HOSTILE]),
        Table(HOSTILE, [HOSTILE]),
        *[Note(one) for one in HOSTILE],
    )
    pdf = as_pdf(document(*parts, title=f"t {HOSTILE[0]}"))
    found = squeezed(pdf)
    for one in HOSTILE:
        assert found.count("".join(one.split())) >= 5, one
    assert "root:" not in found


def test_unseen_characters_are_shown_and_long_words_stay_on_the_page():
    long = "sha256:" + "0f" * 32
    words = ["a\x00b", "left\u202eright", "x" * 3000, long]
    pdf = as_pdf(document(Table(["Word", "Other"], [[word, "y"] for word in words * 4])))
    found = squeezed(pdf)
    assert "a⟨U+0000⟩b" in found and "left⟨U+202E⟩right" in found
    assert "x" * 3000 in found and long in found
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) > 1
    assert "Page 1 of 2" in said(pdf) and "Page 2 of 2" in said(pdf)


def test_a_time_stands_in_the_readers_zone_and_in_utc():
    at = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        assert both(at) == "2026-11-26 01:30:00 IST (2026-11-25 20:00:00 UTC)"
    with timezone.override(UTC):
        assert both(at) == "2026-11-25 20:00:00 UTC"


def test_what_is_too_much_or_takes_too_long_is_refused(monkeypatch, tmp_path):
    with pytest.raises(TooLarge):
        as_pdf(document(*[Note("x " * 1900)] * 200))
    program = tmp_path / "sleep.py"
    program.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(write_pdf, "_PROGRAM", program)
    monkeypatch.setattr(write_pdf, "SECONDS", 0.2)
    with pytest.raises(Unavailable):
        as_pdf(document())
    program.write_text("raise SystemExit('no memory')")
    monkeypatch.setattr(write_pdf, "SECONDS", 20)
    with pytest.raises(Unavailable):
        as_pdf(document())


@pytest.fixture
def no_pdf(monkeypatch):
    """A portal without the extra."""
    for module in ("approvals.audit.pdf.write_pdf", "approvals.views.evidence",
                   "approvals.views.request", "approvals.views.reports"):  # fmt: skip
        monkeypatch.setattr(f"{module}.pdf_available", lambda: False)


@pytest.fixture
def told(audited):
    """One request that went through everything: rounds, a comment that is hostile, a run."""
    audited.told = decide(ask(audited, reason="Release #4"), audited.alice, comment=HOSTILE[0])
    group = ApproverGroup.objects.get(name="team-leads")
    remove_member(by=audited.admin, group=group, person=audited.alice)
    with pytest.raises(Drift):
        redeem(audited, audited.told)
    redeem(audited, decide(audited.told, audited.bob, comment="Second look"))
    return audited


def sheet(person, request):
    return as_(person).get(f"/requests/{request.id}/evidence.pdf")


@pytest.mark.django_db
class TestTheSheetOfARequest:
    def test_it_says_who_asked_who_decided_on_what_and_what_ran(self, told):
        response = sheet(told.carol, told.told)
        assert response.headers["Content-Type"] == "application/pdf"
        found, close = said(response.content), squeezed(response.content)
        for words in (
            f"Evidence of request {told.told}", "carol", "Release #4", HOSTILE[0], "Second look",
            "Alice Lead", "does not count", "Bob Lead", "approval by Alice Lead",
            "Round 1 ended", "shop · production-lead", "Permit issued", "not sealed yet",
        ):  # fmt: skip
            assert words in found, words
        told.told.refresh_from_db()
        assert told.told.digest in close and told.told.snapshot.digest in close
        last = Entry.objects.filter(request=told.told.pk).latest("id")
        assert bytes(last.leaf).hex() in close

    def test_who_took_it_is_recorded_with_the_digest_of_the_file(self, told, taken):
        pdf = sheet(told.carol, told.told).content
        (entry,) = Entry.objects.filter(type="evidence.read")
        part = json.loads(bytes(entry.payload))["object"]
        digest = f"sha256:{sha256(pdf).hexdigest()}"
        assert (part["id"], part["digest"]) == (str(told.told.id), digest)
        row = next(row for row in taken(told.auditor, "reading") if row["event"] == "evidence.read")
        assert (row["object"], row["digest"]) == (f"request {told.told.number}", digest)
        assert (row["actor"], row["project"]) == ("Carol Release", "shop")

    def test_who_may_not_see_the_request_gets_none(self, told):
        assert sheet(told.mallory, told.told).status_code == 404
        assert not Entry.objects.filter(type="evidence.read").exists()

    def test_a_request_that_nobody_looked_at_yet_has_one_too(self, audited):
        for request in (audited.waiting, audited.denied, audited.alone):
            found = said(sheet(audited.carol, request).content)
            assert "No permit was given." in found and "Nobody decided on it." in found

    def test_without_the_extra_there_is_a_hint_and_no_link(self, told, no_pdf):
        page = as_(told.carol).get(f"/requests/{told.told.id}")
        assert "evidence.pdf" not in page.content.decode()
        assert "the extra “pdf” is not installed" in text(page)
        assert sheet(told.carol, told.told).status_code == 404


@pytest.mark.django_db
class TestAReportOnPaper:
    def test_it_has_the_totals_and_the_first_rows_with_both_times(self, audited):
        audited.auditor.time_zone = "Asia/Kolkata"
        audited.auditor.save()
        ask(audited, run={"id": "evil", "attempt": 1, "actor": HOSTILE[0]})
        response = as_(audited.auditor).get("/audit/reports/files/population.pdf")
        found = said(response.content)
        for words in ("Change population", "6 in all", "redeemed 1", "times in Asia/Kolkata and",
                      "The first 6", "shop", "Page 1 of", "UTC"):  # fmt: skip
            assert words in found, words
        assert HOSTILE[0] in squeezed(response.content)

    def test_it_is_recorded_like_every_other_form(self, audited, taken):
        pdf = as_(audited.auditor).get("/audit/reports/files/changes.pdf").content
        begun, ended = taken(audited.auditor, "reading")[:2]
        assert (begun["event"], ended["event"]) == ("export.created", "export.finished")
        assert (ended["form"], ended["outcome"]) == ("pdf", "done")
        assert ended["digest"] == f"sha256:{sha256(pdf).hexdigest()}"

    def test_one_that_cannot_be_made_is_said_and_was_broken_off(self, audited, monkeypatch):
        monkeypatch.setattr(write_pdf, "MOST_BYTES", 10)
        response = as_(audited.auditor).get("/audit/reports/files/population.pdf")
        assert response.status_code == 413
        assert Entry.objects.get(type="export.finished").outcome == "broken off"

    def test_without_the_extra_there_is_a_hint_and_no_link(self, audited, no_pdf):
        page = as_(audited.auditor).get("/audit/reports/population")
        assert "population.pdf" not in page.content.decode()
        assert "the extra “pdf” is not installed" in text(page)
        assert as_(audited.auditor).get("/audit/reports/files/population.pdf").status_code == 404
        assert not Entry.objects.filter(type="export.created").exists()


@pytest.mark.django_db
class TestTheStatementOfIntegrity:
    def test_it_says_that_nothing_is_sealed_where_nothing_is(self, audited):
        client = as_(audited.auditor)
        assert "Nothing was sealed yet." in text(client.get("/audit/integrity/"))
        assert "Nothing was sealed yet." in said(client.get("/audit/integrity.pdf").content)
        told = client.get("/audit/integrity.json").json()
        assert (told["size"], told["last"], told["verification"]) == (0, None, None)
        assert told["unsealed"]["count"] > 0

    def test_who_audits_nothing_gets_none(self, audited):
        for form in ("/", ".json", ".pdf"):
            assert as_(audited.carol).get(f"/audit/integrity{form}").status_code == 403
        assert not Entry.objects.filter(type="evidence.read").exists()
