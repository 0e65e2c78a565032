"""Writing a policy document: saving it, and looking at it before."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from policies.checking import Checked, check_text, unreadable
from policies.forms import EXAMPLE, DocumentForm
from policies.language.format import format_document
from policies.language.problems import PolicyError
from policies.models import Policy, PolicyVersion
from policies.publishing import (
    InvalidPolicy,
    create_policy,
    may_create,
    save_version,
)
from policies.queries import (
    load_policy_row,
)
from policies.reach import require_reach
from policies.views.findings import Findings, findings_of
from portal.access import Capability
from portal.kernel.errors import Forbidden
from portal.kernel.http import PersonRequest, attempt

FRAGMENT = "policies/_findings.html"


@dataclass(frozen=True)
class _Editor:
    """Which document is written: a new policy, or the next version of one."""

    policy: Policy | None
    text: str
    title: str

    @property
    def cancel(self) -> str:
        return reverse("policy", args=[self.policy.pk]) if self.policy else reverse("policies")

    @property
    def save(self) -> str:
        return self._address("")

    @property
    def check(self) -> str:
        return self._address("-check")

    @property
    def format(self) -> str:
        return self._address("-format")

    def _address(self, verb: str) -> str:
        if self.policy is None:
            return reverse(f"policy-new{verb}")
        return reverse(f"policy-version-new{verb}", args=[self.policy.pk])


def _new(request: PersonRequest) -> _Editor:
    """Raises Forbidden."""
    if not may_create(request.user):
        raise Forbidden(
            _("You need the permission “draft policy” on the portal or on a project. An "
              "administrator can grant it."),
            code="missing-permission",
        )  # fmt: skip
    return _Editor(None, EXAMPLE, _("New policy"))


def _next(request: PersonRequest, policy_id: UUID) -> _Editor:
    """Raises NotFound, Forbidden."""
    row = load_policy_row(request.user, policy_id)
    require_reach(request.user, Capability.DRAFT_POLICY, row.policy, None)
    title = _("New version of %(policy)s") % {"policy": row.policy.name}
    return _Editor(row.policy, row.newest.text, title)


@require_http_methods(["GET", "POST"])
def policy_new(request: PersonRequest) -> HttpResponse:
    """Write the first version of a policy."""
    return _write(request, _new(request))


@require_http_methods(["GET", "POST"])
def version_new(request: PersonRequest, policy_id: UUID) -> HttpResponse:
    """Write the next version, beginning with the newest."""
    return _write(request, _next(request, policy_id))


@require_POST
def policy_new_check(request: PersonRequest) -> HttpResponse:
    """Say what saving would say, and how the tests go; saves nothing."""
    return _look(request, _new(request))


@require_POST
def version_new_check(request: PersonRequest, policy_id: UUID) -> HttpResponse:
    """The same for the next version."""
    return _look(request, _next(request, policy_id))


@require_POST
def policy_new_format(request: PersonRequest) -> HttpResponse:
    """The document formatted, in the editor; saves nothing."""
    return _format(request, _new(request))


@require_POST
def version_new_format(request: PersonRequest, policy_id: UUID) -> HttpResponse:
    """The same for the next version."""
    return _format(request, _next(request, policy_id))


def _write(request: PersonRequest, editor: _Editor) -> HttpResponse:
    form = DocumentForm(request.POST or None, initial={"text": editor.text})
    if not form.is_bound:
        return _page(request, editor, form, check_text(editor.text, editor.policy, request.user))
    try:
        made = _saved(request, editor, form)
    except InvalidPolicy as refusal:
        return _page(request, editor, form, Checked(refusal.problems), status=422, refused=True)
    if made is None:
        return _page(request, editor, form, _checked(form, editor, request.user), status=422)
    if editor.policy is None:
        said = _("Policy saved as version 1. It is not in force yet.")
    else:
        said = _("Saved as version %(number)d. Somebody else has to publish it.") % {
            "number": made.number
        }
    messages.success(request, said)
    return redirect("policy-version", made.policy_id, made.number)


def _saved(request: PersonRequest, editor: _Editor, form: DocumentForm) -> PolicyVersion | None:
    if editor.policy is None:
        return attempt(form, create_policy, by=request.user)
    return attempt(form, save_version, by=request.user, policy=editor.policy)


def _look(request: PersonRequest, editor: _Editor) -> HttpResponse:
    form = DocumentForm(request.POST)
    return _answer(request, editor, form, _checked(form, editor, request.user))


def _format(request: PersonRequest, editor: _Editor) -> HttpResponse:
    form = DocumentForm(request.POST)
    checked = _checked(form, editor, request.user)
    text = form.cleaned_data.get("text")
    if text is None:
        return _answer(request, editor, form, checked)
    try:
        formatted = format_document(text)
    except PolicyError:
        return _answer(request, editor, form, checked, said=_("Not formatted: it is not YAML yet."))
    said = _("Formatted. It says the same as before.")
    if formatted == text:
        said = _("It was formatted already.")
    form = DocumentForm({**request.POST.dict(), "text": formatted})
    return _answer(
        request, editor, form, _checked(form, editor, request.user), said=said, formatted=formatted
    )


def _checked(form: DocumentForm, editor: _Editor, by: Any) -> Checked:
    """Looks at the text alone: a note that is too long is no matter here."""
    if "text" in form.errors:
        return unreadable(map(str, form.errors["text"]))
    return check_text(form.cleaned_data["text"], editor.policy, by)


def _answer(
    request: PersonRequest,
    editor: _Editor,
    form: DocumentForm,
    checked: Checked,
    *,
    said: str = "",
    formatted: str = "",
) -> HttpResponse:
    """The findings alone for the script of the editor, the whole page without it."""
    if not request.htmx:
        return _page(request, editor, form, checked, said=said)
    found = replace(findings_of(checked, form.data.get("text", "")), said=said)
    return render(request, FRAGMENT, {"findings": found, "formatted": formatted})


def _page(
    request: PersonRequest,
    editor: _Editor,
    form: DocumentForm,
    checked: Checked,
    *,
    status: int = 200,
    refused: bool = False,
    said: str = "",
) -> HttpResponse:
    text = form["text"].value() or ""
    found: Findings = replace(findings_of(checked, text), refused=refused, said=said)
    context = {"editor": editor, "form": form, "findings": found}
    return render(request, "policies/document_form.html", context, status=status)
