"""The evidence of one request on paper: who asked what, on which facts who decided, what ran."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from uuid import UUID

import orjson
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.audit.pdf.document import Document, Note, Pairs, Part, Section, Table, both
from approvals.audit.pdf.write_pdf import as_pdf
from approvals.models import Decision, Request
from approvals.queries import named_drift, request_page
from approvals.queries.history import names_of, sentence_of
from approvals.queries.page import RequestPage
from approvals.queries.values import words
from policies.language.facts import Known
from portal.accounts.models import User
from portal.kernel.clock import now
from portal.ledger.actors import person_actor
from portal.ledger.models import Entry
from portal.ledger.proofs import BrokenSeal, NotSealed, proof_of, published_checkpoint
from portal.ledger.record import record

MOST_ENTRIES = 100


def take_sheet(*, by: User, request_id: UUID) -> tuple[str, bytes]:
    """The sheet's name and its PDF, for whoever may see the request; that it was taken is recorded.

    Raises NotFound, also where no PDF can be made, and Unavailable.
    """
    page = request_page(by, request_id)
    pdf = as_pdf(sheet_of(page))
    with transaction.atomic():
        record(
            "evidence.read",
            actor=person_actor(by),
            project=page.request.project_id,
            object={
                "kind": "request",
                "id": str(page.request.pk),
                "number": page.request.number,
                "digest": f"sha256:{sha256(pdf).hexdigest()}",
            },
        )
    return str(page.request), pdf


def sheet_of(page: RequestPage) -> Document:
    """Everything the page of a request says, and the entries that prove it."""
    request = page.request
    place = f"{request.project.slug} · {request.environment.name} · {request.action}"
    return Document(
        title=_("Evidence of request %(number)s") % {"number": request},
        about=f"{page.title} · {place} · {page.state.word}",
        made=_("Made %(moment)s") % {"moment": both(now())},
        page=_("Page {n} of {m}"),
        sections=[
            Section(_("What was asked"), [Pairs(list(_asked(page)))]),
            Section(_("What policy says"), list(_policy(page))),
            Section(_("Facts"), list(_facts(request))),
            Section(_("Decisions"), list(_decisions(page))),
            Section(_("Approvals that became void"), list(_fallen(request))),
            Section(_("What ran"), list(_ran(page))),
            Section(_("In the ledger"), list(_entries(request))),
        ],
    )


def _asked(page: RequestPage) -> Iterator[tuple[str, str]]:
    request = page.request
    yield _("Request"), f"{request} · {request.pk}"
    yield _("Asked"), both(request.created_at)
    yield _("Asked by"), page.asked_by
    if request.account is not None:
        yield _("Service account"), f"{request.account.name} · {request.owner}"
    yield _("Project"), f"{request.project.name} ({request.project.slug})"
    yield _("Environment"), f"{request.environment.name} ({request.environment.tier})"
    yield _("Action"), request.action
    for name, said, _digest in page.subject:
        yield name, said
    if page.run_label:
        yield _("Run"), " · ".join(filter(None, [page.run_label, page.run_url]))
    yield _("Reason"), _text(request.reason, erased=request.erased_at is not None)
    if request.labels:
        yield _("Labels"), ", ".join(map(str, request.labels))
    if request.claims:
        yield _("The caller claims"), orjson.dumps(request.claims).decode()
    yield _("Digest of the request"), request.digest
    yield _("Stands at"), f"{page.state.word}. {page.sentence}"
    yield _("Page"), f"{settings.PUBLIC_URL}{request.get_absolute_url()}"


def _policy(page: RequestPage) -> Iterator[Part]:
    if page.said is None or page.request.verdict is None:
        yield Note(_("No policy has looked at it yet."))
        return
    verdict = page.request.verdict
    yield Pairs([(_("Verdict"), f"{verdict.outcome} · {both(verdict.given_at)}")])
    versions = [[f"{one.name} v{one.version}", one.digest] for one in page.policies]
    yield Table([_("Version in force"), _("Digest")], versions, [3, 7])
    rules = [
        [f"{rule.policy} · {rule.rule}", _("applies") if rule.state == "applies" else _("unknown"),
         rule.sentence]
        for rule in page.said.rules
    ]  # fmt: skip
    if rules:
        yield Table([_("Rule"), _("Result"), _("What it says")], rules, [4, 2, 7])
    asked = [
        [_("done") if one.done else _("open"), one.text, one.detail] for one in page.requirements
    ]
    if asked:
        yield Table([_("Is"), _("Asked for"), ""], asked, [1, 4, 6])


def _facts(request: Request) -> Iterator[Part]:
    if request.snapshot is None:
        yield Note(_("No facts were read yet."))
        return
    snapshot = request.snapshot
    yield Pairs([(_("Snapshot"), snapshot.digest), (_("Taken"), both(snapshot.captured_at))])
    rows, unknown = [], defaultdict(list)
    for name in sorted(snapshot.typed):
        state = snapshot.typed.state(name)
        if isinstance(state, Known):
            source = f"{state.source.partition(':')[0]}, {state.provenance}"
            rows.append([name, words(state, name), source, both(state.observed_at)])
        else:
            unknown[state.reason].append(name)
    yield Table([_("Fact"), _("Value"), _("Source"), _("Read")], rows, [4, 5, 3, 4])
    if unknown:
        reasons = [[reason, ", ".join(names)] for reason, names in unknown.items()]
        yield Table([_("Not known, because"), _("Facts")], reasons, [4, 8])


def _decisions(page: RequestPage) -> Iterator[Part]:
    if not page.decisions:
        yield Note(_("Nobody decided on it."))
    snapshots = dict(page.request.snapshots.values_list("pk", "digest"))
    for line, decision in zip(page.decisions, Decision.on(page.request), strict=True):
        counts = _("counts") if line.counts else _("does not count")
        outcome = _("approved") if line.outcome == "approve" else _("rejected")
        who = line.person
        if line.behalf:
            who = _("%(who)s on behalf of %(whom)s") % {"who": who, "whom": line.behalf}
        yield Pairs(
            [
                (who, f"{outcome} · {both(line.at)}"),
                (_("Round"), f"{line.round} · {counts}"),
                (_("Comment"), _text(line.comment, erased=line.erased_at is not None)),
                (_("Signed in by"), decision.authn),
                (_("Saw the snapshot"), snapshots[decision.snapshot_id]),
            ]
        )


def _fallen(request: Request) -> Iterator[Part]:
    found = Entry.objects.filter(request=request.pk, type="drift.found").order_by("id")
    entries = list(found[:MOST_ENTRIES])
    if not entries:
        yield Note(_("None."))
    for entry in entries:
        said = orjson.loads(bytes(entry.payload))
        rows = [
            [row["fact"], str(row["old"]), str(row["new"])] for row in named_drift(said["drift"])
        ]
        yield Note(
            _("Round %(n)d ended %(moment)s.") % {"n": said["round"], "moment": both(entry.at)}
        )
        yield Table([_("Fact"), _("Approved on"), _("Found")], rows, [3, 4, 4])


def _ran(page: RequestPage) -> Iterator[Part]:
    permit = page.permit
    if permit is None:
        yield Note(_("No permit was given."))
        return
    ended = [permit.status, both(permit.finished_at)]
    if permit.exit_code is not None:
        ended.append(_("exit code %(code)d") % {"code": permit.exit_code})
    yield Pairs(
        [
            (_("Permit"), str(permit.pk)),
            (_("Issued"), both(permit.issued_at)),
            (_("To be used by"), both(permit.expires_at)),
            (_("Begun"), both(permit.started_at) or _("nobody said so")),
            (_("Result"), " · ".join(filter(None, ended))),
        ]
    )


def _entries(request: Request) -> Iterator[Part]:
    found = Entry.objects.filter(request=request.pk).order_by("id")
    entries = list(found[: MOST_ENTRIES + 1])
    names = names_of({entry.actor_ref for entry in entries})
    rows = [
        [
            str(entry.pk),
            _leaf(entry.pk),
            sentence_of(entry.type, entry.outcome),
            names.get(entry.actor_ref, entry.actor_ref),
            both(entry.at),
            bytes(entry.leaf).hex(),
        ]
        for entry in entries[:MOST_ENTRIES]
    ]
    yield Table(
        [_("Entry"), _("Leaf"), _("What"), _("Who"), _("When"), _("SHA-256")], rows,
        [3, 3, 7, 5, 7, 8],
    )  # fmt: skip
    if len(entries) > MOST_ENTRIES:
        yield Note(_("These are the first %(n)d. The ledger has the others.") % {"n": MOST_ENTRIES})
    checkpoint = published_checkpoint()
    if checkpoint is not None:
        yield Pairs(
            [
                (_("Log"), checkpoint.origin),
                (_("Checkpoint"), _("%(size)d entries") % {"size": checkpoint.size}),
                (_("Root"), b64encode(checkpoint.root).decode()),
            ]
        )
    yield Note(
        _("A leaf with a number was proved against this root when the sheet was made. What stands "
          "here can be compared with an evidence file of the entry, which carries the proof.")
    )  # fmt: skip


def _leaf(entry: int) -> str:
    """Its number in the sealed log, where its proof holds."""
    try:
        return str(proof_of(entry).index)
    except NotSealed:
        return _("not sealed yet")
    except BrokenSeal:
        return _("not what was sealed")


def _text(text: str, *, erased: bool) -> str:
    if erased and not text:
        return _("erased")
    return text or _("none")
