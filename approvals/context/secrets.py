"""The secrets of a connection, as its source uses them."""

from collections.abc import Iterator, Mapping

from approvals.context.source import SourceFailed
from portal.kernel.sealed import SealBroken, unseal


class Secrets(Mapping[str, str]):
    """The secrets of a connection by field name, opened when they are used and not before."""

    def __init__(self, sealed: Mapping[str, str]) -> None:
        self._sealed = sealed

    def __getitem__(self, name: str) -> str:
        """Raises KeyError, and SourceFailed where the key of this portal does not open it."""
        try:
            return unseal(self._sealed[name])
        except SealBroken:
            raise SourceFailed("its secrets cannot be opened: enter them again") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._sealed)

    def __len__(self) -> int:
        return len(self._sealed)

    def __repr__(self) -> str:
        return f"Secrets({sorted(self._sealed)})"
