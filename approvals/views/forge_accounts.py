"""Pages on which accounts at forges are linked to people, and links are ended."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from approvals.connections.forge_accounts import begin_link, finish_link, link_for
from approvals.connections.forge_forms import AccountForm, ByHandForm, SignatureForm
from portal.access import Capability, require
from portal.accounts.forge_accounts import NAMESPACE, unlink
from portal.accounts.models import ForgeChallenge, User
from portal.accounts.queries import load_person
from portal.kernel.clock import now
from portal.kernel.errors import NotFound
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page


@require_http_methods(["GET", "POST"])
def forge_accounts(request: PersonRequest) -> HttpResponse:
    """One's own accounts; naming another one leads to what has to be signed."""
    form = AccountForm(request.POST or None)
    if made := attempt(form, begin_link, by=request.user):
        return redirect("forge-challenge", made.pk)
    context = {
        "form": form,
        "linked": request.user.forge_accounts.filter(archived_at=None),
        "cancel": reverse("preferences"),
    }
    status = 422 if form.errors else 200
    return render(request, "approvals/forge_accounts.html", context, status=status)


@require_http_methods(["GET", "POST"])
def forge_challenge(request: PersonRequest, challenge_id: UUID) -> HttpResponse:
    """The text to sign, and the field for the signature."""
    mine = ForgeChallenge.objects.filter(person=request.user, used_at=None, expires_at__gt=now())
    challenge = mine.filter(pk=challenge_id).first()
    if challenge is None:
        raise NotFound(_("There is no such text to sign, or its time is over. Begin again."))
    form = SignatureForm(request.POST or None)
    if attempt(form, finish_link, by=request.user, challenge=challenge):
        messages.success(request, _("Account linked."))
        return redirect("forge-accounts")
    context = {
        "form": form,
        "challenge": challenge,
        "namespace": NAMESPACE,
        "cancel": reverse("forge-accounts"),
    }
    status = 422 if form.errors else 200
    return render(request, "approvals/forge_challenge.html", context, status=status)


def _person(request: PersonRequest, person_id: UUID) -> User:
    # The right is asked first, so that nobody else learns who exists.
    require(request.user, Capability.ADMINISTER)
    return load_person(person_id)


@require_http_methods(["GET", "POST"])
def forge_account_new(request: PersonRequest, person_id: UUID) -> HttpResponse:
    """An administrator links an account to somebody else."""
    found = _person(request, person_id)
    form = ByHandForm(request.POST or None)
    if attempt(form, link_for, by=request.user, person=found):
        messages.success(request, _("Account linked."))
        return redirect("person", found.pk)
    return form_page(
        request,
        form,
        title=_("Link an account of %(person)s") % {"person": found},
        intro=_("Better, they sign a text themselves, under their preferences. Whoever is linked "
                "to an account decides on nothing that it touched."),
        submit=_("Link account"),
        cancel=reverse("person", args=[found.pk]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def forge_account_unlink(request: PersonRequest, person_id: UUID, link_id: UUID) -> HttpResponse:
    """An administrator ends a link, after asking."""
    found = _person(request, person_id)
    account = found.forge_accounts.filter(pk=link_id, archived_at=None).first()
    if account is None:
        raise NotFound(_("There is no such link."))
    question = ask_first(
        request,
        title=_("End the link to %(account)s?") % {"account": account},
        text=_("Changes by this account are those of an unknown author from now on: each rule asks "
               "one approval more."),
        submit=_("End link"),
        cancel=reverse("person", args=[found.pk]),
    )  # fmt: skip
    if question:
        return question
    unlink(by=request.user, account=account)
    messages.success(request, _("Link ended."))
    return redirect("person", found.pk)
