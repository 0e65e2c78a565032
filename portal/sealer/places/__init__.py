"""Places outside that keep checkpoints. A kind's module is loaded only where one is set up."""

from collections.abc import Sequence
from importlib import import_module

from portal.sealer.places.place import Place
from portal.sealer.refusals import WrongSetting

_KINDS = {
    "git+file": "git",
    "git+https": "git",
    "git+ssh": "git",
    "mailto": "mail",
    "s3": "s3",
    "witness+http": "witness",
    "witness+https": "witness",
}


def places_of(addresses: Sequence[str]) -> list[Place]:
    """The places of COUNTERSIGN_ANCHORS. Raises WrongSetting."""
    places = [_place_of(address) for address in addresses]
    names = [place.name for place in places]
    for name in names:
        if names.count(name) > 1:
            raise WrongSetting(f"COUNTERSIGN_ANCHORS names {name} twice.")
    return places


def _place_of(address: str) -> Place:
    kind = address.partition(":")[0]
    if kind not in _KINDS:
        raise WrongSetting(f"COUNTERSIGN_ANCHORS: an address begins with one of {_ALL}.")
    try:
        place: Place = import_module(f"{__name__}.{_KINDS[kind]}").place_of(address)
    except ModuleNotFoundError as missing:
        raise WrongSetting(f"COUNTERSIGN_ANCHORS: {kind} needs {missing.name}.") from missing
    except ValueError as problem:
        raise WrongSetting(f"COUNTERSIGN_ANCHORS: {kind}: {problem}.") from None
    return place


_ALL = ", ".join(f"{kind}:" for kind in _KINDS)
