"""Subscribing to the calendar: secret addresses, and what they answer."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from policies.freezes.feeds import create_feed, open_feed, revoke_feed
from policies.freezes.forms import FeedForm
from policies.freezes.ical import write_events
from policies.freezes.queries import feed_events, feeds_of, load_feed
from portal.kernel.clock import now
from portal.kernel.errors import NotFound
from portal.kernel.http import PersonRequest, ask_first, attempt


@never_cache
@require_http_methods(["GET", "POST"])
def feeds(request: PersonRequest) -> HttpResponse:
    """The reader's addresses, and a form for one more; a new one is shown once."""
    form = FeedForm(request.POST or None)
    if made := attempt(form, create_feed, by=request.user):
        address = settings.PUBLIC_URL + reverse("freeze-feed", args=[made[1]])
        context = {
            "title": _("Address of your calendar"),
            "text": _("Add it to your calendar program as a subscription now. Whoever knows it "
                      "reads what you may see; only its hash is stored, so nobody can show it "
                      "again."),
            "secret": address,
            "next": reverse("freeze-feeds"),
        }  # fmt: skip
        return render(request, "portal/secret.html", context)
    status = 422 if form.is_bound and form.errors else 200
    shown = {"form": form, "feeds": feeds_of(request.user)}
    return render(request, "policies/freezes/feeds.html", shown, status=status)


@require_http_methods(["GET", "POST"])
def feed_revoke(request: PersonRequest, feed_id: UUID) -> HttpResponse:
    """Revoke an address, after asking."""
    found = load_feed(request.user, feed_id)
    question = ask_first(
        request,
        title=_("Revoke “%(name)s”?") % {"name": found.name},
        text=_("Calendar programs that use the address get nothing from then on. This cannot be "
               "undone."),
        submit=_("Revoke address"),
        cancel=reverse("freeze-feeds"),
    )  # fmt: skip
    if question:
        return question
    revoke_feed(by=request.user, feed=found)
    messages.success(request, _("Address revoked."))
    return redirect("freeze-feeds")


@login_not_required
@never_cache
@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar as its owner may see it at this moment. The token is all it takes."""
    try:
        found = open_feed(token)
    except NotFound as refusal:
        return HttpResponse(f"{refusal.sentence}\n", status=404, content_type="text/plain")
    at = now()
    body = write_events(feed_events(found.owner, at), _("Freezes"), at)
    return HttpResponse(body, content_type="text/calendar; charset=utf-8")
