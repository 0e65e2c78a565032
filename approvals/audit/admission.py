"""Whether Kubernetes may run a workload: each of its images needs a permit for its digest."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.fields.json import KT
from django.utils.translation import gettext as _

from approvals.audit.workloads import NotAWorkload, images_of
from approvals.models import Request
from approvals.states import PermitStatus, Status
from portal.accounts.authentication import require_scope
from portal.accounts.models import ProjectToken
from portal.kernel.clock import now
from portal.kernel.errors import Forbidden
from portal.kernel.text import on_one_line

ACTION = "deploy"
# What ended badly, silently or unused admits nothing; what succeeded does, for pods start again.
GOOD = [PermitStatus.RUNNING.value, PermitStatus.SUCCEEDED.value]
STARTS = ("CREATE", "UPDATE")
NAMED = 3
_DIGEST = re.compile(r"[^@]+@(sha256:[0-9a-f]{64})")


@dataclass(frozen=True)
class Admission:
    """The answer: the sentence of a refusal, empty where the workload may run; permits it is on."""

    refusal: str
    permits: tuple[UUID, ...] = ()


def admit(token: ProjectToken, asked: Mapping[str, Any]) -> Admission:
    """Answer the `request` of an AdmissionReview; nothing is changed by it, dry run or not.

    Raises Forbidden for a token without the scope or without environments of its own: one for all
    of them would let into production what was approved for staging.
    """
    require_scope(token, "admit")
    limits = list(token.environments.all())
    if not limits:
        raise Forbidden(
            _("A token for admission must be limited to the environments of the cluster.")
        )
    if asked.get("operation") == "DELETE":
        return Admission("")
    try:
        images = _new_images(asked)
    except NotAWorkload as error:
        return Admission(on_one_line(str(error))[:500])
    digests = {image: match[1] for image in images if (match := _DIGEST.fullmatch(image))}
    loose = images - set(digests)
    if loose:
        return Admission(
            _("No digest in %(images)s: name each image as NAME@sha256:…, for a tag can be moved.")
            % {"images": _named(loose)}
        )
    environments = [one for one in limits if not one.archived_at]
    permits = _permits(digests.values(), [one.pk for one in environments])
    missing = {image for image, digest in digests.items() if digest not in permits}
    if missing:
        places = ", ".join(one.name for one in environments) or _("an environment in use")
        return Admission(
            _("No permit to deploy %(images)s to %(project)s / %(places)s.")
            % {
                "images": _named(missing),
                "project": token.account.project.slug,
                "places": places,
            }
        )
    return Admission("", tuple(sorted(set(permits.values()))))


def _new_images(asked: Mapping[str, Any]) -> frozenset[str]:
    """Those that would begin to run. An update of what runs already is about the new ones alone:
    it must stay possible to label, scale down and end what was let in. Raises NotAWorkload."""
    operation = asked.get("operation")
    if operation not in STARTS:
        raise NotAWorkload(f"The operation “{operation}” starts no workload.")
    named = asked.get("kind")
    kind = str(named.get("kind") if isinstance(named, Mapping) else named)
    images = images_of(kind, asked.get("object"))
    return images - images_of(kind, asked.get("oldObject")) if operation == "UPDATE" else images


def _permits(digests: Collection[str], environments: list[UUID]) -> dict[str, UUID]:
    """The newest permit by digest that lets it run in one of the environments."""
    good = Q(permit__status__in=GOOD) | Q(
        permit__status=PermitStatus.ISSUED, permit__expires_at__gt=now()
    )
    found = (
        Request.objects.annotate(artifact=KT("subject__artifact"))
        .filter(
            good,
            artifact__in=list(digests),
            action=ACTION,
            status=Status.REDEEMED,
            subject__has_key="artifact",
            environment__in=environments,
        )
        .order_by("permit__id")
    )
    return dict(found.values_list("artifact", "permit__id"))


def _named(images: Collection[str]) -> str:
    first = [on_one_line(image)[:200] for image in sorted(images)[:NAMED]]
    more = len(images) - len(first)
    return ", ".join(first) + (_(" and %(count)d more") % {"count": more} if more else "")
