"""Addresses of the sources of policy files."""

from django.urls import path

from policies.sources import views

urlpatterns = [
    path("", views.sources_page, name="policy-sources"),
    path("new", views.source_new, name="policy-source-new"),
    path("<uuid:source_id>", views.source, name="policy-source"),
    path("<uuid:source_id>/edit", views.source_edit, name="policy-source-edit"),
    path("<uuid:source_id>/remove", views.source_remove, name="policy-source-remove"),
]
