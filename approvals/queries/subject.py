"""What a request is about: the digests it is bound to, or the policy version to be published."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from approvals.models import Request
from policies.difference import Line, difference
from policies.models import PolicyVersion


@dataclass(frozen=True)
class Publication:
    """The policy version a request is about; `number` was in force then, 0 when none was."""

    version: PolicyVersion
    number: int
    lines: list[Line]


def subject_lines(request: Request) -> list[tuple[str, str, bool]]:
    """Label and value of each part it is bound to, and whether that is a digest."""
    names = {"commit": _("Commit"), "ref": _("Ref"), "artifact": _("Artifact"), "plan": _("Plan")}
    names["document"] = _("Document")
    return [
        (names[name], request.subject[name], name != "ref")
        for name in names
        if request.subject.get(name)
    ]


def publication(request: Request) -> Publication | None:
    """What publishing changes, line by line, against what was in force when the facts were read;
    all of it goes when a policy is retired."""
    version = request.policy_version
    if version is None:
        return None
    facts = request.snapshot.facts if request.snapshot else {}
    number = facts.get("policy.in_force", {}).get("value", 0)
    before = version.policy.versions.filter(number=number).first()
    after = version.text if request.action == "publish" else ""
    return Publication(version, number, difference(before.text if before else "", after))
