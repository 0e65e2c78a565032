"""The pages of requests, also of those about policies. The API has its own addresses in `ci`."""

from django.urls import path

from approvals.views import backtest
from approvals.views.decide import decide
from approvals.views.listing import requests
from approvals.views.propose import publish, publish_new, retire
from approvals.views.queue import queue, row
from approvals.views.request import live, request_view
from approvals.views.try_policy import draft_try, version_try
from approvals.views.withdraw import revoke, withdraw

_BACKTESTS = "policies/<uuid:policy_id>/versions/<int:number>/backtests"
_BACKTEST = f"{_BACKTESTS}/<uuid:backtest_id>"

urlpatterns = [
    path("", queue, name="queue"),
    path("queue/rows/<uuid:request_id>", row, name="queue-row"),
    path("requests/", requests, name="requests"),
    path("requests/<uuid:request_id>", request_view, name="request"),
    path("requests/<uuid:request_id>/live", live, name="request-live"),
    path("requests/<uuid:request_id>/decide", decide, name="decide"),
    path("requests/<uuid:request_id>/withdraw", withdraw, name="withdraw"),
    path("requests/<uuid:request_id>/revoke", revoke, name="revoke"),
    path(
        "policies/<uuid:policy_id>/versions/<int:number>/publish",
        publish,
        name="policy-version-publish",
    ),
    path("policies/sources/<uuid:source_id>/publish", publish_new, name="policy-source-publish"),
    path("policies/<uuid:policy_id>/retire", retire, name="policy-retire"),
    path("policies/try", draft_try, name="policy-try"),
    path(
        "policies/<uuid:policy_id>/versions/<int:number>/try",
        version_try,
        name="policy-version-try",
    ),
    path(_BACKTESTS, backtest.backtests, name="backtests"),
    path(_BACKTEST, backtest.backtest, name="backtest"),
    path(f"{_BACKTEST}/seen", backtest.backtest_seen, name="backtest-seen"),
    path(f"{_BACKTEST}/cancel", backtest.backtest_cancel, name="backtest-cancel"),
    path(f"{_BACKTEST}/again", backtest.backtest_again, name="backtest-again"),
    path(f"{_BACKTEST}.csv", backtest.backtest_file, {"form": "csv"}, name="backtest-csv"),
    path(f"{_BACKTEST}.json", backtest.backtest_file, {"form": "json"}, name="backtest-json"),
]
