"""Pages of what claims give, and of who is linked to which account."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.accounts.queries import load_person
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page
from portal.kernel.person_field import suggestions
from portal.oidc.forms import DryRunForm, LinkForm, RuleForm
from portal.oidc.links import link_person, links_of, unlink_person
from portal.oidc.mapping import group_values, preview
from portal.oidc.models import SignInProvider
from portal.oidc.queries import load_rule
from portal.oidc.rules import add_rule, remove_rule
from portal.oidc.views.providers import load


def _address(provider: SignInProvider) -> str:
    return reverse("sign-in-provider", args=[provider.pk])


@require_http_methods(["GET", "POST"])
def rule_new(request: PersonRequest, provider_id: UUID) -> HttpResponse:
    """Say what a value of the claim gives."""
    provider = load(request, provider_id)
    form = RuleForm(request.POST or None)
    if attempt(form, add_rule, by=request.user, provider=provider):
        messages.success(request, _("Rule added. It counts from the next sign-in on."))
        return redirect(_address(provider))
    return form_page(
        request,
        form,
        title=_("New rule of %(provider)s") % {"provider": provider},
        intro=_("It gives nothing to you: ask another administrator to write what you need."),
        submit=_("Add rule"),
        cancel=_address(provider),
    )


@require_http_methods(["GET", "POST"])
def rule_remove(request: PersonRequest, provider_id: UUID, rule_id: UUID) -> HttpResponse:
    """Remove a rule, after asking."""
    provider = load(request, provider_id)
    rule = load_rule(provider, rule_id)
    question = ask_first(
        request,
        title=_("Remove the rule for %(value)s?") % {"value": rule.value},
        text=_("What only this rule gave ends at once: %(gift)s. What waits may lack somebody "
               "who can decide.") % {"gift": rule.gift},
        submit=_("Remove rule"),
        cancel=_address(provider),
    )  # fmt: skip
    if question:
        return question
    remove_rule(by=request.user, rule=rule)
    messages.success(request, _("Rule removed."))
    return redirect(_address(provider))


@require_http_methods(["GET", "POST"])
def dry_run(request: PersonRequest, provider_id: UUID) -> HttpResponse:
    """What somebody would have after signing in. Posting changes nothing; claims are personal."""
    provider = load(request, provider_id)
    form = DryRunForm(request.POST or None)
    context: dict[str, Any] = {"provider": provider, "form": form, "people": suggestions()}
    if form.is_valid():
        person, claims = form.cleaned_data["person"], form.cleaned_data["claims"]
        values = _last_values(provider, person) if claims is None else group_values(
            claims, provider.groups_claim
        )  # fmt: skip
        context |= {"values": values, "result": preview(provider, person, values or [])}
    status = 422 if form.errors else 200
    return render(request, "portal/sign_in_dry_run.html", context, status=status)


def _last_values(provider: SignInProvider, person: Any) -> list[str] | None:
    """What the person's last sign-in brought; None where there was none."""
    link = links_of(provider).filter(user=person).first()
    return None if link is None else link.extra_data.get("values")


@require_http_methods(["GET", "POST"])
def link_new(request: PersonRequest, provider_id: UUID) -> HttpResponse:
    """Link an account at the provider to a person."""
    provider = load(request, provider_id)
    form = LinkForm(request.POST or None)
    if attempt(form, link_person, by=request.user, provider=provider):
        messages.success(request, _("Account linked."))
        return redirect(_address(provider))
    return form_page(
        request,
        form,
        title=_("Link an account of %(provider)s") % {"provider": provider},
        intro=_("Whoever holds that account signs in as this person. Names and e-mail addresses "
                "are never compared."),
        submit=_("Link account"),
        cancel=_address(provider),
        people=suggestions(),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def link_remove(request: PersonRequest, provider_id: UUID, person_id: UUID) -> HttpResponse:
    """Unlink a person's account, after asking."""
    provider = load(request, provider_id)
    person = load_person(person_id)
    question = ask_first(
        request,
        title=_("Unlink the account of %(person)s?") % {"person": person},
        text=_("It signs nobody in any more, and every membership and role that its claims gave "
               "ends at once. Sessions that are open go on: deactivate the person to end them."),
        submit=_("Unlink account"),
        cancel=_address(provider),
    )  # fmt: skip
    if question:
        return question
    unlink_person(by=request.user, provider=provider, person=person)
    messages.success(request, _("Account unlinked."))
    return redirect(_address(provider))
