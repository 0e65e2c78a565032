"""Terraform plans as `terraform show -json` writes them (1.11, format 1.2), small but whole."""

from typing import Any

SECRET = "s3cr3t-hunter2"


def a_change(
    address: str, *actions: str, before: Any = None, after: Any = None, mode: str = "managed"
) -> dict[str, Any]:
    """One entry of `resource_changes`; its values hold a secret unless they are given."""
    kind, _, name = address.removeprefix("data.").rpartition(".")
    return {
        "address": address,
        "mode": mode,
        "type": kind.rpartition(".")[2] or kind,
        "name": name,
        "provider_name": "registry.example/hashicorp/aws",
        "change": {
            "actions": list(actions),
            "before": {"password": SECRET, "ratio": 0.25} if before is None else before,
            "after": {"password": SECRET, "size": 12345678901234567890} if after is None else after,
            "after_unknown": {"id": True},
            "before_sensitive": {"password": True},
            "after_sensitive": {"password": True},
        },
    }


def output(action: str, **fields: Any) -> dict[str, Any]:
    """One entry of `output_changes`."""
    return {
        "actions": [action],
        "before": SECRET,
        "after": SECRET,
        "after_unknown": False,
        "before_sensitive": False,
        "after_sensitive": False,
        **fields,
    }


def a_plan(*changes: dict[str, Any], outputs: dict[str, Any] | None = None) -> dict[str, Any]:
    """A whole plan."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "variables": {"password": {"value": SECRET}},
        "planned_values": {"root_module": {"resources": [{"values": {"password": SECRET}}]}},
        "resource_changes": list(changes),
        "output_changes": outputs or {},
        "prior_state": {"format_version": "1.0", "values": {"root_module": {}}},
        "configuration": {"root_module": {"variables": {"password": {"sensitive": True}}}},
        "timestamp": "2026-11-25T02:11:12Z",
        "applyable": True,
        "complete": True,
        "errored": False,
    }
