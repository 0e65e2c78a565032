"""Addresses for machines: the API, the keys that verify receipts, the client to download."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path

from approvals.ci.admission import admission
from approvals.ci.api import api
from approvals.ci.downloads import client_file
from approvals.ci.keys import keys, log_file
from approvals.ci.problems import problem_page

urlpatterns = [
    path("api/v1/problems", problem_page, name="problems"),
    path("api/v1/", api.urls),
    path(".well-known/countersign/keys.json", login_not_required(keys), name="keys"),
    path(".well-known/countersign/log.json", login_not_required(log_file), name="log-file"),
    path("admission/", login_not_required(admission), name="admission"),
    path("admission/<str:secret>/", login_not_required(admission), name="admission-secret"),
    path("cli/<str:name>", login_not_required(client_file), name="client-file"),
]
