"""Pages of access reviews: starting one, answering, the result."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal.access import Capability, holds, require
from portal.directory.forms import ReviewForm
from portal.directory.reviews.answer import answer_item, may_answer
from portal.directory.reviews.queries import (
    answerable,
    as_csv,
    items_for,
    load_item,
    load_review,
    reads_all,
    reviews_for,
)
from portal.directory.reviews.start import finish_review, record_fetch, start_review
from portal.kernel.errors import Forbidden, Invalid
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page, page_of


@require_safe
def access_reviews(request: PersonRequest) -> HttpResponse:
    """Reviews with anything in them for the reader."""
    context = {
        "page": page_of(request, reviews_for(request.user)),
        "may_administer": holds(request.user, Capability.ADMINISTER),
    }
    return render(request, "portal/access_reviews.html", context)


@require_http_methods(["GET", "POST"])
def access_review_new(request: PersonRequest) -> HttpResponse:
    """Start a review."""
    require(request.user, Capability.ADMINISTER)
    form = ReviewForm(request.POST or None)
    if made := attempt(form, start_review, by=request.user):
        messages.success(request, _("Access review started. Managers find it under Groups."))
        return redirect("access-review", made.pk)
    return form_page(
        request,
        form,
        title=_("New access review"),
        intro=_("Lists every membership and role as they are now. Managers of a group keep or "
                "remove its members, administrators everything; nobody their own."),
        submit=_("Start review"),
        cancel=reverse("access-reviews"),
    )  # fmt: skip


@require_safe
def access_review(request: PersonRequest, review_id: UUID) -> HttpResponse:
    """One review: what the reader is to answer, and the result so far."""
    review = load_review(request.user, review_id)
    rows = items_for(request.user).filter(review=review)
    if request.GET.get("only") == "open":
        rows = rows.filter(outcome="")
    page = page_of(request, rows.order_by("place", "role", "person__name", "pk"))
    mine = answerable(request.user, review, page)
    context = {
        "review": review,
        "page": page,
        "rows": [(item, item.pk in mine) for item in page],
        "only": request.GET.get("only"),
        "whole": reads_all(request.user),
        "may_administer": holds(request.user, Capability.ADMINISTER),
    }
    return render(request, "portal/access_review.html", context)


@require_http_methods(["GET", "POST"])
def access_review_item(request: PersonRequest, review_id: UUID, item_id: UUID) -> HttpResponse:
    """Keep or remove one membership or role; removing is asked once more by GET."""
    review = load_review(request.user, review_id)
    item = load_item(request.user, review, item_id)
    may_answer(request.user, item)
    if request.method != "POST":
        return render(request, "portal/access_review_item.html", {"review": review, "item": item})
    answer = request.POST.get("answer")
    if answer not in {"keep", "remove"}:
        raise Invalid(_("Choose whether to keep or to remove it."))
    answered = answer_item(by=request.user, item_id=item.pk, keep=answer == "keep")
    messages.success(request, answered.get_outcome_display() + f": {answered}")
    return redirect(reverse("access-review", args=[review.pk]) + "?only=open")


@require_http_methods(["GET", "POST"])
def access_review_finish(request: PersonRequest, review_id: UUID) -> HttpResponse:
    """Close a review, after asking."""
    review = load_review(request.user, review_id)
    require(request.user, Capability.ADMINISTER)
    address = reverse("access-review", args=[review.pk])
    question = ask_first(
        request,
        title=_("Finish %(review)s?") % {"review": review},
        text=_("What was not answered stays as it is and is reported as not answered. Nothing can "
               "be answered afterwards."),
        submit=_("Finish review"),
        cancel=address,
    )  # fmt: skip
    if question:
        return question
    finish_review(by=request.user, review=review)
    messages.success(request, _("Access review finished."))
    return redirect(address)


@require_safe
def access_review_file(request: PersonRequest, review_id: UUID) -> HttpResponseBase:
    """The whole result as CSV; for administrators and auditors."""
    review = load_review(request.user, review_id)
    if not reads_all(request.user):
        raise Forbidden(_("Administrators and auditors take the result out."), code="not-whole")
    rows = items_for(request.user).filter(review=review)
    record_fetch(by=request.user, review=review)
    return StreamingHttpResponse(
        as_csv(rows.order_by("place", "role", "person__name", "pk")),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="access-review-{review.pk}.csv"'},
    )
