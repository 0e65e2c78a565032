"""The pages of requests, also of those about policies. The API has its own addresses in `ci`."""

from django.urls import path

from approvals.views import backtest, siem
from approvals.views import connections as connection
from approvals.views.bundle import bundle
from approvals.views.decide import decide
from approvals.views.evidence import integrity, integrity_json, integrity_pdf, request_sheet
from approvals.views.exports import (
    export,
    export_cancel,
    export_delete,
    export_file,
    exports,
    report_prepare,
)
from approvals.views.forge_accounts import (
    forge_account_new,
    forge_account_unlink,
    forge_accounts,
    forge_challenge,
)
from approvals.views.hook import connection_hook, hook
from approvals.views.ledger import entry, entry_file, ledger
from approvals.views.listing import requests
from approvals.views.log import log_checkpoint, log_consistency, log_inclusion, tile
from approvals.views.log_tokens import (
    log_token_new,
    log_token_revoke,
    log_tokens,
    takes_log_token,
)
from approvals.views.propose import publish, publish_new, retire
from approvals.views.queue import queue, row
from approvals.views.reports import report, report_file, reports
from approvals.views.request import live, request_view
from approvals.views.schedules import (
    schedule,
    schedule_change,
    schedule_leave,
    schedule_new,
    schedule_stop,
    schedules,
)
from approvals.views.seal import seal, seal_verify
from approvals.views.sources import project_sources
from approvals.views.step_up import step_up, step_up_begin
from approvals.views.step_up_elsewhere import step_up_leave, step_up_return
from approvals.views.try_policy import draft_try, version_try
from approvals.views.withdraw import revoke, withdraw

_BACKTESTS = "policies/<uuid:policy_id>/versions/<int:number>/backtests"
_BACKTEST = f"{_BACKTESTS}/<uuid:backtest_id>"
_PROJECT = "projects/<uuid:project_id>"
_CONNECTION = "connections/<uuid:connection_id>"
_FORGE_ACCOUNTS = "people/<uuid:person_id>/forge-accounts"
_STREAM = "audit/streams/<uuid:stream_id>"
_EXPORT = "audit/exports/<uuid:export_id>"
_SCHEDULE = "audit/schedules/<uuid:schedule_id>"

urlpatterns = [
    path("", queue, name="queue"),
    path("queue/rows/<uuid:request_id>", row, name="queue-row"),
    path("requests/", requests, name="requests"),
    path("requests/<uuid:request_id>", request_view, name="request"),
    path("requests/<uuid:request_id>/live", live, name="request-live"),
    path("requests/<uuid:request_id>/evidence.pdf", request_sheet, name="request-sheet"),
    path("requests/<uuid:request_id>/decide", decide, name="decide"),
    path("requests/<uuid:request_id>/step-up", step_up, name="step-up"),
    path("requests/<uuid:request_id>/step-up/begin", step_up_begin, name="step-up-begin"),
    path(
        "requests/<uuid:request_id>/step-up/provider/<uuid:provider_id>",
        step_up_leave,
        name="step-up-leave",
    ),
    path("account/provider/<uuid:provider_id>/confirmed", step_up_return, name="step-up-return"),
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
    path("audit/", ledger, name="ledger"),
    path("audit/<int:entry_id>/", entry, name="ledger-entry"),
    path("audit/<int:entry_id>.json", entry_file, name="ledger-entry-file"),
    path("audit/bundle/", bundle, name="bundle"),
    path("audit/reports/", reports, name="reports"),
    path("audit/reports/<slug:report_name>", report, name="report"),
    path("audit/reports/files/<slug:report_name>.<slug:form>", report_file, name="report-file"),
    path("audit/streams/", siem.streams, name="siem-streams"),
    path("audit/streams/new", siem.stream_new, name="siem-stream-new"),
    path(_STREAM, siem.stream, name="siem-stream"),
    path(f"{_STREAM}/edit", siem.stream_edit, name="siem-stream-edit"),
    path(f"{_STREAM}/test", siem.stream_test, name="siem-stream-test"),
    path(f"{_STREAM}/pause", siem.stream_pause, name="siem-stream-pause"),
    path(f"{_STREAM}/resume", siem.stream_resume, name="siem-stream-resume"),
    path(f"{_STREAM}/replay", siem.stream_replay, name="siem-stream-replay"),
    path(f"{_STREAM}/secret", siem.stream_secret, name="siem-stream-secret"),
    path(f"{_STREAM}/remove", siem.stream_remove, name="siem-stream-remove"),
    path("audit/reports/<slug:report_name>/prepare", report_prepare, name="report-prepare"),
    path("audit/exports/", exports, name="exports"),
    path(_EXPORT, export, name="export"),
    path(f"{_EXPORT}/file", export_file, name="export-file"),
    path(f"{_EXPORT}/cancel", export_cancel, name="export-cancel"),
    path(f"{_EXPORT}/delete", export_delete, name="export-delete"),
    path("audit/reports/<slug:report_name>/schedule", schedule_new, name="schedule-new"),
    path("audit/schedules/", schedules, name="schedules"),
    path(_SCHEDULE, schedule, name="schedule"),
    path(f"{_SCHEDULE}/change", schedule_change, name="schedule-change"),
    path(f"{_SCHEDULE}/stop", schedule_stop, name="schedule-stop"),
    path(f"{_SCHEDULE}/leave", schedule_leave, name="schedule-leave"),
    path(f"{_PROJECT}/sources", project_sources, name="project-sources"),
    path(f"{_PROJECT}/connections", connection.connections, name="connections"),
    path(f"{_PROJECT}/connections/new", connection.connection_kinds, name="connection-kinds"),
    path(
        f"{_PROJECT}/connections/new/<slug:kind>", connection.connection_new, name="connection-new"
    ),
    path("connections/", connection.connections, name="organisation-connections"),
    path("connections/new", connection.connection_kinds, name="organisation-connection-kinds"),
    path(
        "connections/new/<slug:kind>",
        connection.connection_new,
        name="organisation-connection-new",
    ),
    path(_CONNECTION, connection.connection, name="connection"),
    path(f"{_CONNECTION}/edit", connection.connection_edit, name="connection-edit"),
    path(f"{_CONNECTION}/test", connection.connection_test, name="connection-test"),
    path(f"{_CONNECTION}/pause", connection.connection_pause, name="connection-pause"),
    path(f"{_CONNECTION}/resume", connection.connection_resume, name="connection-resume"),
    path(f"{_CONNECTION}/hook", connection_hook, name="connection-hook"),
    path("hooks/<uuid:connection_id>", hook, name="hook"),
    path("settings/forge-accounts", forge_accounts, name="forge-accounts"),
    path("settings/forge-accounts/<uuid:challenge_id>", forge_challenge, name="forge-challenge"),
    path(f"{_FORGE_ACCOUNTS}/new", forge_account_new, name="forge-account-new"),
    path(
        f"{_FORGE_ACCOUNTS}/<uuid:link_id>/unlink",
        forge_account_unlink,
        name="forge-account-unlink",
    ),
    path("audit/integrity/", integrity, name="integrity"),
    path("audit/integrity.json", integrity_json, name="integrity-json"),
    path("audit/integrity.pdf", integrity_pdf, name="integrity-pdf"),
    path("audit/seal/", seal, name="seal"),
    path("audit/log/tokens/", log_tokens, name="log-tokens"),
    path("audit/log/tokens/new", log_token_new, name="log-token-new"),
    path("audit/log/tokens/<uuid:log_token_id>/revoke", log_token_revoke, name="log-token-revoke"),
    path("log/checkpoint", takes_log_token(log_checkpoint), name="log-checkpoint"),
    path("log/tile/<path:tile>", takes_log_token(tile), name="log-tile"),
    path("log/proof/inclusion", takes_log_token(log_inclusion), name="log-inclusion"),
    path("log/proof/consistency", takes_log_token(log_consistency), name="log-consistency"),
    path("audit/seal/verify", seal_verify, name="seal-verify"),
    path(f"{_CONNECTION}/archive", connection.connection_archive, name="connection-archive"),
]
