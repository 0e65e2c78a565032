"""The names of everything that is recorded. Names are data and are never renamed.

Each event says which parts its payload may carry besides the common ones (LEDGER: entry).
"""

from dataclasses import dataclass

PAYLOAD_VERSION = 1

COMMON = frozenset({"v", "id", "type", "time", "project", "request", "actor", "outcome", "portal"})
HISTORY = frozenset({"seq", "prev"})
PARTS = frozenset(
    {
        "action",
        "subject",
        "snapshot",
        "policy",
        "decision",
        "reason_commit",
        "object",
        "change",
        "drift",
        "permit",
        "round",
        "status",
        "export",
    }
)


@dataclass(frozen=True)
class EventType:
    """One kind of entry: its name, its meaning in one sentence, the parts it may carry."""

    name: str
    meaning: str
    parts: frozenset[str]


def _event(name: str, meaning: str, parts: str = "") -> EventType:
    found = frozenset(parts.split())
    unknown = found - PARTS
    if unknown:
        raise ValueError(f"{name}: unknown parts {sorted(unknown)}")
    return EventType(name, meaning, found)


_REQUEST = "action subject snapshot policy round status"

EVENTS: dict[str, EventType] = {
    event.name: event
    for event in (
        _event("request.submitted", "A pipeline asked.", f"{_REQUEST} reason_commit"),
        _event("snapshot.captured", "Facts were read and frozen.", _REQUEST),
        _event("verdict.given", "Policy looked at a snapshot.", f"{_REQUEST} decision"),
        _event("decision.recorded", "A person decided.", f"{_REQUEST} decision reason_commit"),
        _event("request.pended", "The request waits for people.", _REQUEST),
        _event("request.approved", "Everything the policy asks is given.", f"{_REQUEST} decision"),
        _event("request.rejected", "A person rejected.", f"{_REQUEST} decision"),
        _event("request.denied", "Policy denied.", f"{_REQUEST} decision"),
        _event("request.expired", "Its time passed.", _REQUEST),
        _event("request.withdrawn", "The one who asked took it back.", f"{_REQUEST} reason_commit"),
        _event("request.superseded", "A newer request replaced it.", _REQUEST),
        _event("request.revoked", "An approval was taken back.", f"{_REQUEST} reason_commit"),
        _event("drift.found", "The world moved after the approval.", f"{_REQUEST} drift"),
        _event("permit.issued", "The approval was redeemed.", f"{_REQUEST} permit decision"),
        _event("permit.started", "The action began.", f"{_REQUEST} permit"),
        _event("permit.finished", "The action ended.", f"{_REQUEST} permit"),
        _event("permit.lost", "The heartbeat stopped.", f"{_REQUEST} permit"),
        _event("permit.reported_late", "An end was reported too late.", f"{_REQUEST} permit"),
        _event("permit.expired", "The permit was not used in time.", f"{_REQUEST} permit"),
        _event("decision.refused", "A decision was refused.", f"{_REQUEST} decision"),
        _event(
            "step_up.confirmed", "A second factor was shown, to decide.", f"{_REQUEST} decision"
        ),
        _event("step_up.failed", "A second factor was refused.", f"{_REQUEST} decision"),
        _event("project.created", "A project was added.", "object change"),
        _event("project.changed", "A project was changed.", "object change"),
        _event("environment.created", "An environment was added.", "object change"),
        _event("environment.changed", "An environment was changed.", "object change"),
        _event("group.created", "An approver group was added.", "object change"),
        _event("group.changed", "An approver group was changed.", "object change"),
        _event("member.added", "A person joined an approver group.", "object"),
        _event("member.removed", "A person left an approver group.", "object"),
        _event("delegation.created", "Somebody may decide on a member's behalf.", "object change"),
        _event("delegation.ended", "It was ended before its time.", "object change"),
        _event("role.granted", "A role was granted, or with another end.", "object reason_commit"),
        _event("role.revoked", "A role was revoked.", "object"),
        _event("role.ended", "A role ended by itself, at the time it was granted to.", "object"),
        _event("access_review.started", "Memberships and roles are looked through.", "object"),
        _event("access_review.answered", "One was kept or removed by a manager.", "object"),
        _event("access_review.finished", "It was closed, with so many answers.", "object"),
        _event("person.created", "A person was added.", "object change"),
        _event("person.changed", "A person was changed.", "object change"),
        _event("directory.created", "A directory of people was connected.", "object"),
        _event("directory.token_renewed", "It has a new token.", "object"),
        _event("directory.archived", "It changes nothing any more.", "object change"),
        _event("directory.given", "A person or group was handed to it.", "object"),
        _event("directory.taken", "A person or group is no longer its own.", "object"),
        _event(
            "forge_account.linked", "An account at a forge was linked to a person.", "object change"
        ),
        _event("forge_account.unlinked", "A link to a forge account was ended.", "object change"),
        _event("service_account.created", "A service account was added.", "object change"),
        _event("service_account.changed", "A service account was changed.", "object change"),
        _event("token.created", "A project token was issued.", "object change"),
        _event("token.revoked", "A project token was revoked.", "object"),
        _event("trust.created", "Workloads of a CI system are accepted.", "object change"),
        _event("trust.archived", "They are accepted no more.", "object"),
        _event("trust.keys_changed", "Its issuer signs with other keys.", "object change"),
        _event("workload.accepted", "A workload got a run token for its own.", "object"),
        _event("policy.created", "A policy was added.", "object"),
        _event("policy.drafted", "A policy version was saved.", "object policy"),
        _event("policy.published", "A policy version came into force.", "object policy change"),
        _event("policy.retired", "A policy went out of force.", "object policy change"),
        _event("freeze.created", "A window was added to the calendar.", "object change"),
        _event("freeze.changed", "A window of the calendar was changed.", "object change"),
        _event("freeze.removed", "A window was removed from the calendar.", "object change"),
        _event("freeze_exception.granted", "An exception was granted.", "object change"),
        _event("freeze_exception.revoked", "An exception was revoked.", "object change"),
        _event("freeze_calendar.added", "A calendar is read by its address.", "object change"),
        _event("freeze_calendar.imported", "Windows were read from a calendar.", "object"),
        _event("freeze_calendar.removed", "A calendar is read no more.", "object change"),
        _event("freeze_feed.created", "An address for a calendar program was made.", "object"),
        _event("freeze_feed.revoked", "An address for a calendar program was revoked.", "object"),
        _event("backtest.started", "A backtest of a policy version began.", "object policy"),
        _event("backtest.finished", "It is done, was cancelled or failed.", "object policy"),
        _event("backtest.seen", "A person looked at the result.", "object policy"),
        _event("policy_source.created", "Policies are read from a repository.", "object change"),
        _event("policy_source.changed", "A source of policies was changed.", "object change"),
        _event("policy_source.removed", "A source of policies is read no more.", "object change"),
        _event(
            "policy_source.synced", "Policy files of another commit were read.", "object change"
        ),
        _event("policy_source.failed", "A source of policies could not be read.", "object change"),
        _event("connection.created", "An outside system was connected.", "object change"),
        _event("connection.changed", "A connection was changed or paused.", "object change"),
        _event("connection.tested", "A person tested a connection.", "object"),
        _event("connection.hook_renewed", "Its hook has a new secret.", "object"),
        _event("connection.resealed", "Its secrets were encrypted with another key.", "object"),
        _event("connection.archived", "A connection is used no more.", "object change"),
        _event("erasure.done", "Personal data was erased.", f"{_REQUEST} object change"),
        _event("ledger.archived", "A month of the ledger was put into a file.", "object"),
        _event("ledger.restored", "A month of the ledger was read back from its file.", "object"),
        _event("key.created", "A signing key was made.", "object"),
        _event("key.rotated", "Another key signs, with the one before it.", "object"),
        _event("key.retired", "A signing key signs no more; it stays listed.", "object"),
        _event(
            "ledger.verified", "The whole log was verified; `outcome` says how it is.", "object"
        ),
        _event("export.created", "A person began to take a report out.", "export"),
        _event("export.finished", "The file ended; `outcome` says how.", "export"),
        _event("export.fetched", "A person fetched a file that was prepared.", "export"),
        _event("export.removed", "A prepared file was deleted, or its time passed.", "export"),
        _event("report.scheduled", "A report is sent to auditors regularly.", "object"),
        _event("report.rescheduled", "It is sent in another way.", "object change"),
        _event("report.unscheduled", "It is sent no more, to all or to who left.", "object"),
        _event("report.mailed", "One was sent to a person, or not; `outcome` says.", "object"),
        _event("evidence.read", "A person took evidence out, or began to stream it.", "object"),
        _event("log_token.created", "A person made a token that reads the log.", "object"),
        _event("log_token.revoked", "It is refused from now on.", "object"),
        _event("stream.created", "Entries are streamed to a SIEM.", "object change"),
        _event("stream.changed", "A stream was changed.", "object change"),
        _event("stream.tested", "A person tested a stream.", "object"),
        _event("stream.paused", "It sends nothing for a while; its position stays.", "object"),
        _event("stream.resumed", "It goes on from its position.", "object"),
        _event("stream.replayed", "A person set the position of a stream.", "object change"),
        _event("stream.secret_renewed", "It signs with a new secret.", "object"),
        _event("stream.resealed", "Its secrets were encrypted with another key.", "object"),
        _event("stream.removed", "Nothing is streamed there any more.", "object"),
        _event("sign_in_provider.created", "A sign-in provider was added.", "object change"),
        _event("sign_in_provider.changed", "A sign-in provider was changed.", "object change"),
        _event("sign_in_provider.checked", "Its configuration was read anew.", "object change"),
        _event("sign_in_provider.archived", "A provider signs nobody in now.", "object change"),
        _event("sign_in_provider.resealed", "Its secret was encrypted with another key.", "object"),
        _event("claim_rule.added", "Claims of a provider give something.", "object"),
        _event("claim_rule.removed", "They give it no more; it was taken away.", "object"),
        _event("sign_in_link.added", "A person signs in with an account elsewhere.", "object"),
        _event("sign_in_link.removed", "That account signs nobody in any more.", "object"),
        _event("sign_in.succeeded", "A person signed in.", "object"),
        _event("sign_in.failed", "A sign-in failed.", "object"),
        _event("sign_out.done", "A person signed out.", "object"),
        _event("invitation.created", "A person was invited to choose a password.", "object change"),
        _event("invitation.withdrawn", "The link of an invitation was ended.", "object"),
        _event("invitation.accepted", "The invited person chose a password.", "object"),
        _event("device.signed_out", "A session was ended, by its owner or not.", "object"),
        _event("factor.added", "A person has another factor to sign in with.", "object"),
        _event("factor.resealed", "Its secret was encrypted with another key.", "object"),
        _event("factor.removed", "A factor was taken away, by its owner or not.", "object"),
    )
}


class UnknownEvent(ValueError):
    """An entry of a type, or with a part, that the catalogue does not have."""


def check_event(name: str, parts: frozenset[str]) -> None:
    """Raise UnknownEvent unless `name` is in the catalogue and may carry `parts`."""
    event = EVENTS.get(name)
    if event is None:
        raise UnknownEvent(f"no event named {name!r}")
    foreign = parts - event.parts
    if foreign:
        raise UnknownEvent(f"{name} may not carry {sorted(foreign)}")
