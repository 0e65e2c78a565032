"""Addresses of the calendar."""

from django.urls import path

from policies.freezes.views import calendars, exceptions, feeds, uploads, windows

urlpatterns = [
    path("", windows.freezes, name="freezes"),
    path("new", windows.freeze_new, name="freeze-new"),
    path("<uuid:window_id>", windows.freeze, name="freeze"),
    path("<uuid:window_id>/edit", windows.freeze_edit, name="freeze-edit"),
    path("<uuid:window_id>/end", windows.freeze_end, name="freeze-end"),
    path("<uuid:window_id>/remove", windows.freeze_remove, name="freeze-remove"),
    path("exceptions/new", exceptions.exception_new, name="freeze-exception-new"),
    path(
        "exceptions/<uuid:exception_id>/revoke",
        exceptions.exception_revoke,
        name="freeze-exception-revoke",
    ),
    path("import", uploads.upload, name="freeze-import"),
    path("import/confirm", uploads.upload_confirm, name="freeze-import-confirm"),
    path("calendars/new", calendars.calendar_new, name="freeze-calendar-new"),
    path("calendars/<uuid:calendar_id>/read", calendars.calendar_read, name="freeze-calendar-read"),
    path(
        "calendars/<uuid:calendar_id>/remove",
        calendars.calendar_remove,
        name="freeze-calendar-remove",
    ),
    path("feeds", feeds.feeds, name="freeze-feeds"),
    path("feeds/<uuid:feed_id>/revoke", feeds.feed_revoke, name="freeze-feed-revoke"),
    path("feed/<slug:token>.ics", feeds.feed, name="freeze-feed"),
]
