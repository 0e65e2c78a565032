"""Setting up what is trusted: adding, replacing and archiving. Maintainers of the project may."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from portal.access import Capability, require
from portal.accounts.models import ProjectToken, ServiceAccount
from portal.accounts.trusts.models import Trust
from portal.accounts.trusts.presets import PRESETS, Preset
from portal.accounts.trusts.verify import ALGORITHMS
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, NotFound
from portal.kernel.outgoing import NoAddress, parse_address
from portal.kernel.validation import insert_row, invalid
from portal.ledger.actors import person_actor
from portal.ledger.change import change, state_of
from portal.ledger.record import record

MOST = 20  # of one project: a token is held against each
MOST_LISTED = 20
RECORDED = (
    *("name", "preset", "issuer", "keys_url", "algorithm", "private", "source", "refs", "events"),
    *("environment", "workflow", "run_claim", "attempt_claim", "account"),
)
# What is checked anyway, or can be given to somebody else: `sub` is put together from names.
NO_CLAIMS = frozenset({"sub", "iss", "aud", "exp", "iat", "nbf", "jti"})
_REF = re.compile(r"refs/(?:heads|tags)/[^\s*]*\*?[^\s*]*")
_WORD = re.compile(r"[a-z][a-z_]{0,49}")
_CLAIM = re.compile(r"[!-~]{1,100}")


def preset_of(name: str) -> Preset:
    """The preset of this name. Raises NotFound."""
    if name not in PRESETS:
        raise NotFound("There is no such kind of workload here.")
    return PRESETS[name]


@transaction.atomic
def create_trust(
    *,
    by: Any,
    account: ServiceAccount,
    preset: str,
    environments: Collection[Any] = (),
    **wanted: Any,
) -> Trust:
    """Let workloads act as `account`, from now on; no environments means all of the project.

    `wanted` are the fields of a trust; addresses that are left out are the preset's. Raises
    Forbidden, NotFound, Invalid naming the field, Conflict.
    """
    require(by, Capability.MAINTAIN, account.project)
    trust = Trust(
        project=account.project,
        account=account,
        preset=preset_of(preset).name,
        created_by=by,
        created_at=now(),
        **wanted,
    )
    _complete(trust)
    if trust.private:
        require(by, Capability.ADMINISTER)
    _check_place(trust, environments)
    _check_addresses(trust)
    _check_rule(trust, preset_of(preset))
    insert_row(trust)
    trust.environments.set(environments)
    _record("trust.created", by, trust, change=change({}, _state(trust, environments)))
    return trust


@transaction.atomic
def archive_trust(*, by: Any, trust: Trust) -> Trust:
    """Accept nothing by it any more; run tokens it gave end. Again changes nothing.

    Raises Forbidden.
    """
    require(by, Capability.MAINTAIN, trust.project)
    moment = now()
    archived = Trust.objects.filter(pk=trust.pk, archived_at=None).update(archived_at=moment)
    trust.refresh_from_db(fields=["archived_at"])
    if archived:
        running = ProjectToken.objects.filter(trust=trust, revoked_at=None, expires_at__gt=moment)
        running.update(revoked_at=moment)
        _record("trust.archived", by, trust)
    return trust


@transaction.atomic
def replace_trust(*, by: Any, trust: Trust, **wanted: Any) -> Trust:
    """Another trust in the place of this one, which is archived. Raises as `create_trust`."""
    require(by, Capability.MAINTAIN, trust.project)
    if Trust.objects.select_for_update().get(pk=trust.pk).archived_at is not None:
        raise Conflict("This trust is archived. Set up another one.", code="archived")
    archive_trust(by=by, trust=trust)
    return create_trust(by=by, preset=trust.preset, **wanted)


def _complete(trust: Trust) -> None:
    """Addresses that the preset knows."""
    preset = PRESETS[trust.preset]
    trust.issuer = trust.issuer or preset.issuer
    if not trust.keys_url and preset.keys:
        trust.keys_url = f"{trust.issuer.rstrip('/')}{preset.keys}"


def _check_place(trust: Trust, environments: Collection[Any]) -> None:
    project, account = trust.project, trust.account
    if project.archived_at or not account.is_active:
        raise Conflict("The project or its service account is out of use.", code="archived")
    if any(e.project_id != project.pk or e.archived_at for e in environments):
        raise invalid("environments", "Choose environments of this project that are not archived.")
    if Trust.objects.filter(project=project, archived_at=None).count() >= MOST:
        raise Conflict(f"A project has at most {MOST} trusts. Archive one first.", code="too-many")


def _check_addresses(trust: Trust) -> None:
    for field in ("issuer", "keys_url"):
        try:
            address = parse_address(getattr(trust, field))
        except NoAddress as problem:
            raise invalid(field, str(problem)) from None
        if not (address.secure or trust.private):
            raise invalid(field, "The address must begin with https://.")
    if trust.algorithm not in ALGORITHMS:
        raise invalid("algorithm", f"Choose one of {', '.join(ALGORITHMS)}.")


def _check_rule(trust: Trust, preset: Preset) -> None:
    """Everything that binds is there, and nothing that the system does not tell."""
    if preset.source and not re.fullmatch(preset.source_form, trust.source):
        raise invalid("source", "Give the id as the system shows it: a number, or a UUID.")
    told = {
        "source": bool(preset.source),
        "refs": preset.tells_ref,
        "events": bool(preset.event),
        "environment": bool(preset.environment),
        "workflow": preset.tells_workflow,
        "run_claim": not preset.run,
        "attempt_claim": not preset.run,
    }
    for field, may in told.items():
        if getattr(trust, field) and not may:
            raise invalid(field, f"{preset.title} does not tell this.")
    _check_refs(trust, preset)
    _check_events(trust, preset)
    _check_claims(trust, preset)


def _check_refs(trust: Trust, preset: Preset) -> None:
    if preset.tells_ref and not 0 < len(trust.refs) <= MOST_LISTED:
        raise invalid("refs", f"Name the protected branches or tags: 1 to {MOST_LISTED}.")
    if not all(_REF.fullmatch(ref) for ref in trust.refs):
        raise invalid(
            "refs",
            "Write full names such as refs/heads/main; one * stands for anything without a slash.",
        )


def _check_events(trust: Trust, preset: Preset) -> None:
    refused = sorted(preset.refused_events & set(trust.events))
    if refused:
        raise invalid(
            "events", f"With {', '.join(refused)} a stranger's code runs; it is never accepted."
        )
    if (preset.events and not trust.events) or len(trust.events) > MOST_LISTED:
        raise invalid("events", f"Name the events that may ask: 1 to {MOST_LISTED}.")
    if not all(_WORD.fullmatch(event) for event in trust.events):
        raise invalid("events", "Write the names of events as the system does, such as push.")


def _check_claims(trust: Trust, preset: Preset) -> None:
    claims: Mapping[str, str] = trust.claims
    if len(claims) > MOST_LISTED or not all(
        _CLAIM.fullmatch(name) and 0 < len(value) <= 200 and value.isprintable()
        for name, value in claims.items()
    ):
        raise invalid("claims", "Write one claim a line, as in runner_environment = github-hosted.")
    if NO_CLAIMS & set(claims):
        raise invalid(
            "claims",
            "sub is put together from names, which can be given to somebody else; the times, the "
            "issuer and the audience are checked anyway. Name other claims.",
        )
    if not preset.source and not claims:
        raise invalid("claims", "Name at least one claim that only this workload has.")
    for field in () if preset.run else ("run_claim", "attempt_claim"):
        name = getattr(trust, field)
        if not _CLAIM.fullmatch(name) and (name or field == "run_claim"):
            raise invalid(field, "Name the claim that is another for every run.")


def _state(trust: Trust, environments: Collection[Any]) -> dict[str, Any]:
    return {
        **state_of(trust, RECORDED),
        "claims": [f"{name} = {value}" for name, value in sorted(trust.claims.items())],
        "environments": sorted(environment.name for environment in environments),
    }


def _record(event: str, by: Any, trust: Trust, **parts: Any) -> None:
    record(
        event,
        actor=person_actor(by),
        project=trust.project_id,
        object={"kind": "trust", "id": str(trust.pk), "account": str(trust.account.actor_ref)},
        **parts,
    )
