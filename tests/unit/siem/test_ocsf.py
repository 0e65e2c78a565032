"""The events have what version 1.3.0 of the schema requires of an API Activity."""

import json

import pytest

from approvals.audit.siem.format_ocsf import event_of
from approvals.audit.siem.formats import batch_of
from portal.ledger.events import EVENTS
from tests.unit.siem.entries import AT, PROJECT, REQUEST, SENDER, sealed

# Required by the class, by its category and by the base event; then by the objects in them.
REQUIRED = {
    "activity_id": int,
    "category_uid": int,
    "class_uid": int,
    "type_uid": int,
    "severity_id": int,
    "time": int,
    "metadata": dict,
    "actor": dict,
    "api": dict,
    "src_endpoint": dict,
}
REQUIRED_INSIDE = [
    ("metadata", "version"),
    ("metadata", "product"),
    ("api", "operation"),
]
AT_LEAST_ONE = {
    "actor": {"process", "user", "invoked_by", "session", "app_name", "app_uid"},
    "src_endpoint": {"ip", "uid", "name", "hostname", "svc_name", "instance_uid"},
}
ACTIVITIES = {1: "Create", 2: "Read", 3: "Update", 4: "Delete", 99: "Other"}


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_of_every_type_has_what_is_required(event):
    made = event_of(sealed(event, outcome="failed", request=str(REQUEST)), SENDER)
    for name, kind in REQUIRED.items():
        assert type(made[name]) is kind, name
    for outer, inner in REQUIRED_INSIDE:
        assert made[outer][inner]
    for name, some in AT_LEAST_ONE.items():
        assert some & set(made[name])
    assert made["metadata"]["version"] == "1.3.0"
    assert made["metadata"]["product"]["vendor_name"] and made["metadata"]["product"]["name"]
    assert (made["category_uid"], made["class_uid"]) == (6, 6003)
    assert made["type_uid"] == 600300 + made["activity_id"]
    assert made["activity_id"] in ACTIVITIES
    assert made["severity_id"] in range(7)
    assert made["actor"]["user"]["uid"] == "p-7"
    assert all(one["uid"] for one in made["resources"])


def test_where_each_thing_of_an_entry_stands():
    entry = sealed("request.rejected", outcome="reject", request=str(REQUEST), actor="service")
    (made,) = json.loads(batch_of("ocsf", [entry], SENDER).body)
    assert made["time"] == int(AT.timestamp() * 1000) == 1795599001234
    assert made["metadata"]["uid"] == entry.event_id  # what receivers deduplicate on
    assert (made["metadata"]["sequence"], made["metadata"]["event_code"]) == (41, entry.type)
    assert made["actor"]["user"] == {"uid": "p-7", "type_id": 99, "type": "Service account"}
    assert made["resources"] == [
        {"uid": str(REQUEST), "type": "request"},
        {"uid": str(PROJECT), "type": "project"},
    ]
    assert made["status_detail"] == "reject"
    assert made["raw_data"].encode() == entry.leaf


@pytest.mark.parametrize(
    ("event", "outcome", "activity", "severity", "status"),
    [
        ("project.created", "", "Create", "Informational", "Success"),
        ("evidence.read", "", "Read", "Informational", "Success"),
        ("export.created", "", "Read", "Informational", "Success"),
        ("project.changed", "", "Update", "Informational", "Success"),
        ("erasure.done", "", "Delete", "Informational", "Success"),
        ("sign_in.failed", "", "sign_in.failed", "Medium", "Failure"),
        ("drift.found", "", "drift.found", "Medium", "Success"),
        ("permit.reported_late", "", "permit.reported_late", "Medium", "Success"),
        ("permit.finished", "failed", "permit.finished", "Informational", "Failure"),
        ("break_glass.used", "", "break_glass.used", "High", "Success"),
        ("of_tomorrow.sung", "", "of_tomorrow.sung", "Informational", "Success"),
    ],
)
def test_what_an_event_means_is_told_by_its_name(event, outcome, activity, severity, status):
    made = event_of(sealed(event, outcome=outcome), SENDER)
    assert (made["activity_name"], made["severity"], made["status"]) == (
        activity,
        severity,
        status,
    )
