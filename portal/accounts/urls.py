"""Addresses of people, service accounts, project tokens, trusts and preferences."""

from django.urls import path

from portal.accounts.trusts import views as trusts
from portal.accounts.views import (
    absence,
    devices,
    invitations,
    people,
    preferences,
    security,
    service_accounts,
)

_PERSON = "people/<uuid:person_id>"
_ACCOUNTS = "projects/<uuid:project_id>/accounts"
_TRUSTS = "projects/<uuid:project_id>/trusts"
_ACCOUNT = f"{_ACCOUNTS}/<uuid:account_id>"

urlpatterns = [
    path("people/", people.people, name="people"),
    path("people/new", people.person_new, name="person-new"),
    path("people/invite", invitations.person_invite, name="person-invite"),
    path("invitation/<str:secret>", invitations.invitation, name="invitation"),
    path(_PERSON, people.person, name="person"),
    path(f"{_PERSON}/edit", people.person_edit, name="person-edit"),
    path(f"{_PERSON}/deactivate", people.person_deactivate, name="person-deactivate"),
    path(f"{_PERSON}/reactivate", people.person_reactivate, name="person-reactivate"),
    path(f"{_PERSON}/password", people.person_password, name="person-password"),
    path(f"{_PERSON}/factors", security.person_factors, name="person-factors"),
    path(f"{_PERSON}/invite", invitations.person_invite_again, name="person-invite-again"),
    path(f"{_PERSON}/invite/end", invitations.person_invite_end, name="person-invite-end"),
    path(f"{_PERSON}/sign-out", devices.person_sign_out, name="person-sign-out"),
    path(f"{_ACCOUNTS}/new", service_accounts.service_account_new, name="service-account-new"),
    path(_ACCOUNT, service_accounts.service_account, name="service-account"),
    path(f"{_ACCOUNT}/edit", service_accounts.service_account_edit, name="service-account-edit"),
    path(
        f"{_ACCOUNT}/deactivate",
        service_accounts.service_account_deactivate,
        name="service-account-deactivate",
    ),
    path(
        f"{_ACCOUNT}/reactivate",
        service_accounts.service_account_reactivate,
        name="service-account-reactivate",
    ),
    path(f"{_ACCOUNT}/tokens/new", service_accounts.token_new, name="token-new"),
    path(
        f"{_ACCOUNT}/tokens/<uuid:token_id>/revoke",
        service_accounts.token_revoke,
        name="token-revoke",
    ),
    path("settings/absence", absence.absence, name="absence"),
    path("settings/absence/end", absence.absence_end, name="absence-end"),
    path(f"{_TRUSTS}/", trusts.trusts, name="trusts"),
    path(f"{_TRUSTS}/new", trusts.trust_presets, name="trust-presets"),
    path(f"{_TRUSTS}/new/<str:preset>", trusts.trust_new, name="trust-new"),
    path(f"{_TRUSTS}/test", trusts.trust_try, name="trust-try"),
    path(f"{_TRUSTS}/<uuid:trust_id>", trusts.trust, name="trust"),
    path(f"{_TRUSTS}/<uuid:trust_id>/edit", trusts.trust_edit, name="trust-edit"),
    path(f"{_TRUSTS}/<uuid:trust_id>/archive", trusts.trust_archive, name="trust-archive"),
    path("settings/", preferences.preferences, name="preferences"),
    path("settings/security", security.security, name="security"),
    path("settings/security/app", security.app_add, name="app-add"),
    path("settings/security/passkey", security.passkey_add, name="passkey-add"),
    path("settings/security/codes", security.codes_renew, name="codes-renew"),
    path("settings/security/<int:factor_id>", security.factor_remove, name="factor-remove"),
    path("settings/devices/sign-out", devices.devices_sign_out, name="devices-sign-out"),
    path("settings/devices/<uuid:device_id>", devices.device_sign_out, name="device-sign-out"),
]
