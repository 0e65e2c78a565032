"""The images that a Kubernetes object would run, read from its JSON. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

TEMPLATE = ("spec", "template", "spec")
# Where each kind has the specification of its pods.
SPECS = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "ReplicationController": TEMPLATE,
    "ReplicaSet": TEMPLATE,
    "Deployment": TEMPLATE,
    "StatefulSet": TEMPLATE,
    "DaemonSet": TEMPLATE,
    "Job": TEMPLATE,
    "CronJob": ("spec", "jobTemplate", *TEMPLATE),
}
LISTS = ("initContainers", "containers", "ephemeralContainers")


class NotAWorkload(ValueError):
    """It runs nothing that we know how to read; the text says why, in a sentence."""


def images_of(kind: str, found: object) -> frozenset[str]:
    """Every image of the object: of its containers of all three sorts, and of its image volumes.

    Raises NotAWorkload for another kind and for a form that Kubernetes would not accept either.
    """
    path = SPECS.get(kind)
    if path is None:
        raise NotAWorkload(f"“{kind}” is no workload whose images can be read.")
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        raise NotAWorkload(f"This {kind} has no {'.'.join(path)}.")
    images = frozenset(_images(found))
    if not images:
        raise NotAWorkload(f"This {kind} names no container.")
    return images


def _images(spec: Mapping[str, Any]) -> Iterator[str]:
    for name in LISTS:
        for container in _each(spec, name):
            yield _text(container.get("image"), f"A container in {name} names no image.")
    for volume in _each(spec, "volumes"):
        image = volume.get("image")
        if image is not None:
            reference = image.get("reference") if isinstance(image, Mapping) else None
            yield _text(reference, "An image volume names no image.")


def _each(spec: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    listed = spec.get(name)
    if listed is None:
        return
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
        raise NotAWorkload(f"{name} is not a list of objects.")
    yield from listed


def _text(value: object, sentence: str) -> str:
    if not isinstance(value, str) or not value:
        raise NotAWorkload(sentence)
    return value
