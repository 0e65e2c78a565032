"""Which trust accepts a pasted token, or why none does. The token is neither kept nor used up."""

from dataclasses import dataclass
from typing import Any

from portal.access import Capability, require
from portal.accounts.models import ProjectToken
from portal.accounts.trusts.exchange import trusts_in_use
from portal.accounts.trusts.keys import believed_claims
from portal.accounts.trusts.match import Check, checks, refused_by
from portal.accounts.trusts.models import Trust
from portal.accounts.trusts.presets import PRESETS
from portal.accounts.trusts.verify import NotAccepted, issuer_of, proof_of
from portal.kernel.clock import now
from portal.kernel.errors import Unavailable


@dataclass(frozen=True)
class Trial:
    """One trust and the token. With a `refusal` the token proves nothing: no claim was read.

    `over`: its time is over; `used`: it was swapped.
    """

    trust: Trust
    refusal: str = ""
    checks: tuple[Check, ...] = ()
    over: bool = False
    used: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the trust accepts it, or would before it was over or used."""
        return not self.refusal and refused_by(list(self.checks)) is None


def try_token(*, by: Any, project: Any, token: str) -> list[Trial]:
    """The token against every trust of the project in use. Maintainers may. Raises Forbidden."""
    require(by, Capability.MAINTAIN, project)
    try:
        issuer, problem = issuer_of(token), ""
    except NotAccepted as refusal:
        issuer, problem = "", refusal.sentence
    return [
        Trial(trust, refusal=problem or "It is from another issuer.")
        if trust.issuer != issuer
        else _held(trust, token)
        for trust in trusts_in_use(project.slug)
    ]


def _held(trust: Trust, token: str) -> Trial:
    try:
        claims = believed_claims(trust, token, also_over=True)
        proof = proof_of(token, claims, needs_id=PRESETS[trust.preset].once)
    except (NotAccepted, Unavailable) as refusal:
        return Trial(trust, refusal=refusal.sentence)
    used = ProjectToken.objects.filter(proof=proof).exists()
    over = not _is_later(claims["exp"])
    return Trial(trust, checks=tuple(checks(trust.rule, claims)), over=over, used=used)


def _is_later(seconds: object) -> bool:
    return isinstance(seconds, int | float) and seconds > now().timestamp()
