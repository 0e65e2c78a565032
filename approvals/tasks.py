"""Celery's way in: tasks load by id and call a service. What must be done stands in the rows."""

from uuid import UUID

from celery import shared_task

from approvals.audit.checkpoint_keys import list_checkpoint_keys
from approvals.audit.exports.end import expire_exports
from approvals.audit.exports.run import LONGEST, due_exports, run_export
from approvals.audit.schedules.run import due_schedules, run_schedule
from approvals.audit.schedules.send import due_mails, send_mail
from approvals.audit.siem.send import due_streams, send_stream
from approvals.audit.verification import due_verifications, run_verification
from approvals.backtest.run import due_backtests, run_backtest
from approvals.connections.hear import prune_deliveries
from approvals.connections.meet import meet_connection, moved_connections
from approvals.context.answers import prune_answers
from approvals.lifecycle.announce import publish
from approvals.lifecycle.departures import departures, look_at_departures
from approvals.lifecycle.enrich import due_readings, read_source
from approvals.lifecycle.expire import expire_all
from approvals.lifecycle.look_again import look_again
from approvals.lifecycle.publish import approved_publications, publish_approved
from approvals.lifecycle.rejudge import moved_policies, rejudge_moved
from approvals.lifecycle.supersede import retire_older, unfinished
from policies.freezes.calendars import due_calendars, read_calendar
from policies.freezes.looks import due_looks
from policies.sources.sync import due_sources, sync_source
from portal.access import remove_ended

LONGEST_VERIFICATION = 3 * 60 * 60  # seconds; about a million entries are verified in ten


@shared_task(name="approvals.read_source")
def read_source_task(request_id: str, source: str) -> None:
    """Read one source for one request, if it is due."""
    read_source(UUID(request_id), source)


@shared_task(name="approvals.retire_older")
def retire_older_task(request_id: str) -> None:
    """Retire what a newer request replaces."""
    retire_older(UUID(request_id))


@shared_task(name="approvals.publish")
def publish_task(request_id: str) -> None:
    """Bring into force, or out of it, what was approved."""
    publish_approved(UUID(request_id))


@shared_task(name="approvals.rejudge")
def rejudge_task(policy_id: str) -> None:
    """Judge again what waits after a policy moved."""
    rejudge_moved(UUID(policy_id))


@shared_task(name="approvals.meet_connection")
def meet_connection_task(connection_id: str) -> None:
    """Let what waits meet a connection that came, changed or went."""
    meet_connection(UUID(connection_id))


@shared_task(name="approvals.look_again")
def look_again_task(kind: str, row_id: str) -> None:
    """Judge again what waits where one row of the calendar reaches, if that is due."""
    look_again(kind, UUID(row_id))


@shared_task(name="approvals.departures")
def departures_task() -> None:
    """Look again at what counted on people who left an approver group."""
    look_at_departures()


@shared_task(name="approvals.read_calendar")
def read_calendar_task(calendar_id: str) -> None:
    """Read one imported calendar, if it is due."""
    read_calendar(UUID(calendar_id))


@shared_task(name="approvals.backtest")
def backtest_task(backtest_id: str) -> None:
    """Go on with a backtest, if it is due."""
    run_backtest(UUID(backtest_id))


@shared_task(name="approvals.export", time_limit=LONGEST)
def export_task(export_id: str) -> None:
    """Prepare one file, if it is due."""
    run_export(UUID(export_id))


@shared_task(name="approvals.schedule")
def schedule_task(schedule_id: str) -> None:
    """Take the slot of a report that is sent regularly, if it has come."""
    run_schedule(UUID(schedule_id))


@shared_task(name="approvals.mail")
def mail_task(mail_id: str) -> None:
    """Send one mail, if it is due."""
    send_mail(UUID(mail_id))


@shared_task(name="approvals.sync_source")
def sync_source_task(source_id: str) -> None:
    """Read the policy files of one source, if it is due."""
    sync_source(UUID(source_id))


@shared_task(name="approvals.list_checkpoint_keys")
def list_checkpoint_keys_task() -> None:
    """List and record another key that signs checkpoints."""
    list_checkpoint_keys()


@shared_task(name="approvals.send_stream")
def send_stream_task(stream_id: str) -> None:
    """Send what is sealed to a SIEM, if that is due."""
    send_stream(UUID(stream_id))


@shared_task(name="approvals.verify", time_limit=LONGEST_VERIFICATION)
def verify_task(verification_id: str) -> None:
    """Verify the sealed log, if that is due."""
    run_verification(UUID(verification_id))


@shared_task(name="approvals.sweep")
def sweep() -> None:
    """Find what time or a lost message left: requests, permits, looks, readings, answers, …"""
    expire_all()
    remove_ended()
    for request_id, source in due_readings():
        publish("approvals.read_source", str(request_id), source)
    for request_id in unfinished():
        publish("approvals.retire_older", str(request_id))
    for policy_id in moved_policies():
        publish("approvals.rejudge", str(policy_id))
    for connection_id in moved_connections():
        publish("approvals.meet_connection", str(connection_id))
    for request_id in approved_publications():
        publish("approvals.publish", str(request_id))
    for kind, row_id in due_looks():
        publish("approvals.look_again", kind, str(row_id))
    if departures():
        publish("approvals.departures")
    for source_id in due_sources():
        publish("approvals.sync_source", str(source_id))
    for calendar_id in due_calendars():
        publish("approvals.read_calendar", str(calendar_id))
    for backtest_id in due_backtests():
        publish("approvals.backtest", str(backtest_id))
    for stream_id in due_streams():
        publish("approvals.send_stream", str(stream_id))
    for verification_id in due_verifications():
        publish("approvals.verify", str(verification_id))
    for schedule_id in due_schedules():
        publish("approvals.schedule", str(schedule_id))
    for mail_id in due_mails():
        publish("approvals.mail", str(mail_id))
    for export_id in due_exports():
        publish("approvals.export", str(export_id))
    prune_answers()
    prune_deliveries()
    expire_exports()
