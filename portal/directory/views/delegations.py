"""Naming a delegate for a member of an approver group, and ending that."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.access import Capability, require
from portal.directory.delegations import create_delegation, end_delegation
from portal.directory.forms import DelegationForm
from portal.directory.queries import delegations_of, load_group
from portal.kernel.errors import NotFound
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page
from portal.kernel.person_field import suggestions


@require_http_methods(["GET", "POST"])
def delegation_new(request: PersonRequest, group_id: UUID) -> HttpResponse:
    """Name a delegate; `?delegator=` chooses the member beforehand."""
    found = load_group(group_id)
    require(request.user, Capability.MANAGE_GROUP, found)
    initial = {"starts_at": timezone.now(), "delegator": request.GET.get("delegator", "")}
    form = DelegationForm(request.POST or None, group=found, initial=initial)
    if attempt(form, create_delegation, by=request.user, group=found):
        messages.success(request, _("Delegate named. Both may decide in that time."))
        return redirect("group", found.pk)
    return form_page(
        request,
        form,
        title=_("Name a delegate in %(group)s") % {"group": found.name},
        submit=_("Name the delegate"),
        cancel=reverse("group", args=[found.pk]),
        intro=_("The delegate decides on the member's behalf, and every record says so. Both may, "
                "and together they count once."),
        people=suggestions(),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def delegation_end(request: PersonRequest, group_id: UUID, delegation_id: UUID) -> HttpResponse:
    """End a delegation now, after asking."""
    found = load_group(group_id)
    delegation = delegations_of(found).filter(pk=delegation_id).first()
    if delegation is None:
        raise NotFound(_("There is no such delegation, or it is over."))
    if request.user.pk not in {delegation.delegator_id, delegation.delegate_id}:
        require(request.user, Capability.MANAGE_GROUP, found)
    back = reverse("group", args=[found.pk])
    names = {"delegate": delegation.delegate, "delegator": delegation.delegator}
    question = ask_first(
        request,
        title=_("End the delegation of %(delegator)s to %(delegate)s?") % names,
        text=_("From that moment %(delegate)s may not decide on behalf of %(delegator)s, and "
               "decisions given so for a request that was not redeemed yet no longer count.")
        % names,
        submit=_("End the delegation"),
        cancel=back,
    )  # fmt: skip
    if question:
        return question
    end_delegation(by=request.user, delegation=delegation)
    messages.success(request, _("Delegation ended."))
    return redirect(back)
