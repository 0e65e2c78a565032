"""Addresses of sign-in providers, and of signing in through one.

django-allauth asks for two of them by name.
"""

from django.urls import path

from portal.oidc.views import providers, rules, saml, sign_in

_PROVIDER = "people/providers/<uuid:provider_id>"
_SIGN_IN = "account/provider/<uuid:provider_id>"

urlpatterns = [
    path("people/providers/", providers.providers, name="sign-in-providers"),
    path("people/providers/new", providers.provider_new, name="sign-in-provider-new"),
    path("people/providers/new-saml", saml.saml_provider_new, name="saml-provider-new"),
    path(_PROVIDER, providers.provider, name="sign-in-provider"),
    path(f"{_PROVIDER}/edit", providers.provider_edit, name="sign-in-provider-edit"),
    path(f"{_PROVIDER}/check", providers.provider_check, name="sign-in-provider-check"),
    path(f"{_PROVIDER}/archive", providers.provider_archive, name="sign-in-provider-archive"),
    path(f"{_PROVIDER}/rules/new", rules.rule_new, name="claim-rule-new"),
    path(f"{_PROVIDER}/rules/<uuid:rule_id>/remove", rules.rule_remove, name="claim-rule-remove"),
    path(f"{_PROVIDER}/dry-run", rules.dry_run, name="sign-in-dry-run"),
    path(f"{_PROVIDER}/links/new", rules.link_new, name="sign-in-link-new"),
    path(
        f"{_PROVIDER}/links/<uuid:person_id>/remove", rules.link_remove, name="sign-in-link-remove"
    ),
    path(f"{_SIGN_IN}/login", sign_in.provider_login, name="openid_connect_login"),
    path(f"{_SIGN_IN}/callback", sign_in.provider_callback, name="openid_connect_callback"),
    path(f"{_SIGN_IN}/acs", saml.saml_acs, name="saml-acs"),
    path(f"{_SIGN_IN}/metadata", saml.saml_metadata, name="saml-metadata"),
]
