"""Pages of approver groups and their members."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import Capability, holds, require
from portal.directory.forms import GroupChangeForm, GroupForm, MemberForm
from portal.directory.groups import add_member, change_group, create_group, remove_member
from portal.directory.models import ApproverGroup
from portal.directory.queries import approver_groups, delegations_of, load_group, members_of
from portal.kernel.errors import NotFound
from portal.kernel.http import PersonRequest, attempt, form_page, page_of
from portal.kernel.person_field import suggestions


@require_safe
def groups(request: PersonRequest) -> HttpResponse:
    """Every approver group: who may decide is no secret among those who work here."""
    context = {
        "page": page_of(request, approver_groups().order_by("name")),
        "may_administer": holds(request.user, Capability.ADMINISTER),
    }
    return render(request, "portal/groups.html", context)


@require_http_methods(["GET", "POST"])
def group(request: PersonRequest, group_id: UUID) -> HttpResponse:
    """One group with its members; POST adds one."""
    found = load_group(group_id)
    form = MemberForm(request.POST or None)
    if request.method == "POST":
        require(request.user, Capability.MANAGE_GROUP, found)
        if attempt(form, add_member, by=request.user, group=found):
            messages.success(request, _("Member added. They may decide from now on."))
            return redirect("group", found.pk)
    return _group_page(request, found, form)


def _group_page(request: PersonRequest, found: ApproverGroup, form: MemberForm) -> HttpResponse:
    may_manage = holds(request.user, Capability.MANAGE_GROUP, found)
    context = {
        "group": found,
        "page": page_of(request, members_of(found)),
        "form": form,
        "delegations": delegations_of(found),
        "may_manage": may_manage,
        "people": suggestions() if may_manage else [],
    }
    return render(request, "portal/group.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def group_new(request: PersonRequest) -> HttpResponse:
    """Add an approver group."""
    require(request.user, Capability.ADMINISTER)
    form = GroupForm(request.POST or None)
    if made := attempt(form, create_group, by=request.user):
        messages.success(request, _("Approver group added. Next: its members."))
        return redirect("group", made.pk)
    title, cancel = _("New approver group"), reverse("groups")
    return form_page(request, form, title=title, submit=_("Add group"), cancel=cancel)


@require_http_methods(["GET", "POST"])
def group_edit(request: PersonRequest, group_id: UUID) -> HttpResponse:
    """Describe a group anew."""
    found = load_group(group_id)
    require(request.user, Capability.MANAGE_GROUP, found)
    form = GroupChangeForm(request.POST or None, instance=found)
    if attempt(form, change_group, by=request.user, group=found):
        messages.success(request, _("Approver group changed."))
        return redirect("group", found.pk)
    return form_page(
        request,
        form,
        title=_("Change %(group)s") % {"group": found.name},
        submit=_("Save"),
        cancel=reverse("group", args=[found.pk]),
    )


@require_http_methods(["GET", "POST"])
def member_remove(request: PersonRequest, group_id: UUID, person_id: UUID) -> HttpResponse:
    """Take a member out, after asking."""
    found = load_group(group_id)
    if person_id != request.user.pk:
        require(request.user, Capability.MANAGE_GROUP, found)
    membership = members_of(found).filter(person_id=person_id).first()
    if membership is None:
        raise NotFound(_("This person is not in the group."))
    if request.method == "POST":
        source = request.POST.get("source", "")
        remove_member(by=request.user, group=found, person=membership.person, source=source)
        messages.success(request, _("Member removed."))
        return redirect("group", found.pk)
    active = members_of(found).filter(person__is_active=True)
    last = membership.person.is_active and active.count() == 1
    context = {"group": found, "membership": membership, "last": last}
    return render(request, "portal/member_remove.html", context)
