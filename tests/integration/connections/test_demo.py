"""The demo's monitoring may stand on another port after a start: its connection follows."""

from approvals.connections.configure import create_connection
from approvals.management.company import METRIC_FACTS, METRICS, move_metrics
from portal.ledger.models import Entry


def test_the_connection_of_the_demo_follows_its_monitoring(who):
    before, after = (f"http://127.0.0.1:{port}/metrics" for port in (40001, 40002))
    settings = {"url": before, "header": "", "facts": METRIC_FACTS}
    demo = create_connection(
        by=who.admin, kind="http_json", name=METRICS, project=who.project,
        environment=who.production, settings=settings, secrets={}, private=True,
    )  # fmt: skip
    for _ in range(2):
        move_metrics(after)
        demo.refresh_from_db()
        assert (demo.settings["url"], demo.hosts) == (after, ["127.0.0.1:40002"])
        assert (demo.environment, demo.private) == (who.production, True)
    assert Entry.objects.filter(type="connection.changed").count() == 1
