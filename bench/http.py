"""A small HTTP/1.1 client over asyncio: keep-alive calls and event streams, nothing else.

A library would add its own milliseconds to both sides of every ratio and shrink the difference.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Self

import orjson

TIMEOUT = 60.0


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in small letters) and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        """The body as a JSON object."""
        found: dict[str, object] = orjson.loads(self.body)
        return found


class Connection:
    """One kept-open connection; one call at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect to a server on this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()

    async def call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request and read its whole answer. Raises TimeoutError after a minute."""
        self.send(method, path, body, headers)
        async with asyncio.timeout(TIMEOUT):
            return await self.answer()

    def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """Only send; `answer` or `events` reads."""
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def answer(self) -> Answer:
        """The answer to what was sent."""
        status, headers = await self._head()
        if headers.get("transfer-encoding") == "chunked":
            body = b"".join([part async for part in self._chunks()])
        else:
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(status, headers, body)

    async def events(self) -> AsyncIterator[dict[str, object]]:
        """The data of each event of a stream."""
        status, _ = await self._head()
        if status != 200:
            raise RuntimeError(f"the stream answered {status}")
        text = b""
        async for part in self._chunks():
            text += part
            while b"\n\n" in text:
                event, text = text.split(b"\n\n", 1)
                for line in event.split(b"\n"):
                    if line.startswith(b"data: "):
                        yield orjson.loads(line[6:])

    async def _head(self) -> tuple[int, dict[str, str]]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        return int(first.split(" ", 2)[1]), {name.lower(): value.strip() for name, value in pairs}

    async def _chunks(self) -> AsyncIterator[bytes]:
        while size := int(await self._reader.readline(), 16):
            yield await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
