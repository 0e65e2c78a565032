"""A zip written as a stream: what is ready of it is given out while files are added."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

LEVEL = 3  # more costs time and saves little: most of the text is digests
TOGETHER = 1 << 16


@dataclass(frozen=True)
class ZipFile:
    """A file that is in it, with the digest of what was put in."""

    name: str
    size: int
    digest: str


class ZipStream:
    """Files one after the other; nothing is held longer than it takes to compress it."""

    def __init__(self) -> None:
        self.files: list[ZipFile] = []
        self._outlet = _Outlet()
        self._zip = zipfile.ZipFile(self._outlet, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)

    def file(self, name: str, parts: Iterable[bytes]) -> Iterator[bytes]:
        """Add a file; what the zip has become by it."""
        size, digest = 0, sha256()
        # The length is not known beforehand, so the larger form is taken for any.
        with self._zip.open(name, "w", force_zip64=True) as member:
            for part in parts:
                size += len(part)
                digest.update(part)
                member.write(part)
                if self._outlet.waiting >= TOGETHER:
                    yield self._outlet.taken()
        self.files.append(ZipFile(name, size, digest.hexdigest()))
        yield self._outlet.taken()

    def end(self) -> bytes:
        """The list of files, which ends it."""
        self._zip.close()
        return self._outlet.taken()


class _Outlet(io.RawIOBase):
    """What the zip is written to; it cannot be gone back in."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self.waiting = 0

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        self.waiting += len(data)
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        found = b"".join(self._parts)
        self._parts.clear()
        self.waiting = 0
        return found
