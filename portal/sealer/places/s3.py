"""Object storage that keeps what it was given: each checkpoint is an object under a lock.

Needs a bucket with object lock. Names of objects begin with what is left of the largest size, so
that the newest comes first in a listing. Versions are listed: a delete marker hides nothing.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from portal.ledger.origins import Anchored
from portal.sealer.history import Cosignature, History, Signed
from portal.sealer.places.duration import duration
from portal.sealer.refusals import PlaceFailed

RETAIN = "400d"
MODES = ("COMPLIANCE", "GOVERNANCE")
MOST_BYTES = 64 * 1024
_LARGEST = 10**19 - 1
_LOOKED_AT = 10  # of the first names, of which some may be delete markers


def place_of(address: str) -> "Bucket":
    """`s3://BUCKET[/PREFIX]?endpoint=&region=&retain=400d&mode=`. Raises ValueError."""
    parts = urlsplit(address)
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unknown = asked.keys() - {"endpoint", "region", "retain", "mode"}
    if unknown or not parts.hostname or parts.username or parts.fragment:
        raise ValueError("s3://BUCKET/PREFIX?endpoint=&region=&retain=&mode= is what is known")
    mode = asked.get("mode", MODES[0]).upper()
    if mode not in MODES:
        raise ValueError("mode is compliance or governance")
    prefix = parts.path.strip("/")
    client = Session().create_client(
        "s3",
        region_name=asked.get("region"),
        endpoint_url=asked.get("endpoint"),
        config=Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2}),
    )
    retained = duration(asked.get("retain", RETAIN))
    return Bucket(client, parts.netloc, f"{prefix}/" if prefix else "", retained, mode)


class Bucket:
    """A prefix of a bucket; who may do what there, the usual AWS settings say."""

    readable = True
    pause = 0.0

    def __init__(
        self, client: Any, bucket: str, prefix: str, retained: timedelta, mode: str
    ) -> None:
        self.name = f"s3://{bucket}/{prefix}".rstrip("/")
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._retained = retained
        self._mode = mode

    def check(self, history: History) -> Anchored | None:
        """Hold the newest checkpoint of each log there against this one."""
        with _said():
            notes = list(self._notes())
        return history.require(notes, self.name)

    def anchor(self, signed: Signed, history: History) -> Cosignature | None:
        """Put one object more."""
        self.check(history)
        found = signed.checkpoint
        name = f"{_LARGEST - found.size:019d}-{found.size}"
        with _said():
            self._client.put_object(
                Bucket=self._bucket,
                Key=f"{self._prefix}{_folder(found.origin)}/{name}",
                Body=signed.note.encode(),
                ContentType="text/plain; charset=utf-8",
                ObjectLockMode=self._mode,
                ObjectLockRetainUntilDate=datetime.now(UTC) + self._retained,
            )
        return None

    def _notes(self) -> Iterator[str]:
        """The newest note of each log; of a log that goes on there are few."""
        for folder in self._list(Delimiter="/", Prefix=self._prefix).get("CommonPrefixes", []):
            newest = self._list(Prefix=folder["Prefix"], MaxKeys=_LOOKED_AT).get("Versions", [])
            for version in newest[:1]:
                got = self._client.get_object(
                    Bucket=self._bucket, Key=version["Key"], VersionId=version["VersionId"]
                )
                yield got["Body"].read(MOST_BYTES).decode(errors="replace")

    def _list(self, **asked: Any) -> Any:
        return self._client.list_object_versions(Bucket=self._bucket, **asked)


def _folder(origin: str) -> str:
    """A log's name as a part of an object's."""
    return re.sub(r"[^A-Za-z0-9.-]", "_", origin)


@contextmanager
def _said() -> Iterator[None]:
    """What goes wrong, in words that repeat nothing of what was sent. Raises PlaceFailed."""
    try:
        yield
    except ClientError as refusal:
        code = re.sub(r"[^A-Za-z0-9]", "", str(refusal.response.get("Error", {}).get("Code")))
        raise PlaceFailed(f"refused: {code}") from None
    except BotoCoreError as problem:
        raise PlaceFailed(f"could not be reached: {type(problem).__name__}") from None
