"""Sources that need a connection: what their authors write, and how one is asked for a request."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Protocol

from approvals.context.breaker import NotAskedNow, note_error, usable
from approvals.context.configured import Configured
from approvals.context.fetch import Fetch
from approvals.context.source import Question, Source, SourceFailed
from approvals.models import Connection
from approvals.models.connection import key_of
from policies.language.facts import FactType, Known, Unknown
from policies.language.schema import facts_given
from portal.kernel.outgoing import parse_address

log = logging.getLogger(__name__)

FieldKind = Literal["text", "lines", "url", "secret", "choice", "number", "json"]


@dataclass(frozen=True)
class Field:
    """One setting of a connection, as the form asks for it. A secret is never shown again.

    `lines` is a text of several lines. `choices` are (value, label). `aside`: few need to touch it.
    """

    name: str
    label: str
    kind: FieldKind = "text"
    help: str = ""
    required: bool = True
    default: object = ""
    choices: tuple[tuple[str, str], ...] = ()
    multiline: bool = False
    aside: bool = False


class BadSetting(ValueError):
    """A setting that cannot be used: `field` by name, `sentence` for people."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.sentence = sentence


class HasSettings(Protocol):
    """A connection, as far as a source may know it before it is asked."""

    @property
    def settings(self) -> Mapping[str, Any]: ...


class ConnectedSource(ABC):
    """A kind of outside system that people can connect.

    `gives`: its groups and families of facts, and names of single ones; which of them a connection
    gives is for `names` to say, of families always. `budget`: seconds one reading may take.
    `time_to_live`: how long an answer may be shown before it is read again while a request waits.
    `silence`: why a value may be missing.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str] = ""
    gives: ClassVar[tuple[str, ...]]
    fields: ClassVar[tuple[Field, ...]] = ()
    budget: ClassVar[float] = 5.0
    time_to_live: ClassVar[timedelta] = timedelta(seconds=30)
    silence: ClassVar[str] = "the source has no value for it"

    def hosts(self, settings: Mapping[str, Any]) -> frozenset[str]:
        """`host` or `host:port` of each server it may ask; by default those of its `url` fields."""
        urls = [settings.get(field.name) for field in self.fields if field.kind == "url"]
        found = [parse_address(url) for url in urls if url]
        return frozenset(f"{address.name}:{address.port}" for address in found)

    def clean(self, settings: Mapping[str, Any]) -> None:  # noqa: B027  (most have nothing to add)
        """Raise BadSetting for settings that cannot be used; each is of its kind already."""

    def names(self, connection: HasSettings) -> frozenset[str]:
        """Names of the facts that a connection gives; by default all of `gives` but families."""
        return frozenset(fact.name for fact in facts_given(self.gives))

    def applies(self, question: Question) -> bool:
        """Whether this source can know anything about the request."""
        return True

    @abstractmethod
    def check(self, fetch: Fetch) -> str:
        """Ask whether the connection works; a sentence of what was found. Raises SourceFailed."""

    @abstractmethod
    def read(self, question: Question, fetch: Fetch) -> Mapping[str, object | None]:
        """Values by fact name. Raises SourceFailed.

        What it cannot tell is an Unknown with its reason, or None when `silence` says it.
        """


class Connected(Source):
    """A source with one of its connections: asked like any other source."""

    def __init__(self, source: ConnectedSource, configured: Configured) -> None:
        self.name = source.name
        self.gives = source.gives
        self.budget = source.budget
        self.time_to_live = source.time_to_live
        self.silence = source.silence
        self._source = source
        self._configured = configured

    @property
    def key(self) -> str:
        return key_of(self.name, self._configured.id)

    @property
    def label(self) -> str:
        return f"{self.name} “{self._configured.name}”"

    def fact_types(self) -> tuple[FactType, ...]:
        try:
            named = facts_given(tuple(sorted(self._source.names(self._configured))))
        except Exception:  # foreign code, and inside the POST: it must not refuse what is asked
            log.exception("source %s cannot say what it gives", self.key)
            return ()
        return tuple(fact for fact in named if {fact.group, fact.name} & set(self.gives))

    def applies(self, question: Question) -> bool:
        try:
            return self._source.applies(question)
        except Exception:  # foreign code, and inside the POST: it must not refuse what is asked
            log.exception("source %s cannot say whether it applies", self.key)
            return False

    def read(self, question: Question) -> Mapping[str, object | None]:
        return self._read(question)[0]

    def known(self, question: Question) -> dict[str, Known | Unknown]:
        return self.states(*self._read(question))

    def _read(self, question: Question) -> tuple[Mapping[str, object | None], datetime]:
        """What the source says, and how old the oldest answer is that it is made of."""
        connection = usable(self._configured.id)
        fetch = Fetch(
            connection,
            budget=self.budget,
            time_to_live=self.time_to_live,
            not_before=question.now if question.fresh else None,
        )
        with noting_errors(connection):
            values = self._source.read(question, fetch)
        return values, fetch.observed_at or question.now


@contextmanager
def noting_errors(connection: Connection) -> Iterator[None]:
    """Keep in the connection's row why a source failed."""
    try:
        yield
    except NotAskedNow:
        raise
    except SourceFailed as failure:
        note_error(connection, str(failure))
        raise
    except Exception as error:  # a source may be foreign code
        note_error(connection, f"the source failed ({type(error).__name__})")
        raise
