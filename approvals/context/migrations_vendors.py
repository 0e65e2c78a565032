"""SQL cut into statements and words as each of four vendors would: quotes and comments end
differently for each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.mysql import MySQL
from sqlglot.dialects.oracle import Oracle
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.tsql import TSQL
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from approvals.context.migrations_words import Word


class _Postgres(Postgres):
    class Tokenizer(Postgres.Tokenizer):
        COMMANDS: ClassVar[set[TokenType]] = set()  # else all that follows LOCK is one text


class _MySQL(MySQL):
    class Tokenizer(MySQL.Tokenizer):
        COMMANDS: ClassVar[set[TokenType]] = set()


class _Oracle(Oracle):
    class Tokenizer(Oracle.Tokenizer):
        COMMANDS: ClassVar[set[TokenType]] = set()


class _TSQL(TSQL):
    class Tokenizer(TSQL.Tokenizer):
        COMMANDS: ClassVar[set[TokenType]] = set()


_VENDORS: tuple[Dialect, ...] = (_Postgres(), _MySQL(), _Oracle(), _TSQL())
_RUN_BY_MYSQL = re.compile(r"/\*M?!\d*")  # a comment for all others
_TEXTS = frozenset(
    {TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.RAW_STRING, TokenType.UNICODE_STRING,
     TokenType.BYTE_STRING, TokenType.HEREDOC_STRING}
)  # fmt: skip
_HAVE_BODIES = frozenset({"FUNCTION", "PROCEDURE", "TRIGGER", "PACKAGE"})


@dataclass(frozen=True, slots=True)
class Statement:
    """Words of one statement. `bodies` are texts in it that are SQL, each with its place."""

    words: list[Word]
    bodies: list[tuple[int, str]]


def as_each_vendor(text: str) -> Iterator[list[Statement]]:
    """The statements of `text` as each vendor reads them, leaving out those who cannot."""
    for vendor in _VENDORS:
        own = _RUN_BY_MYSQL.sub(_blank, text) if isinstance(vendor, MySQL) else text
        try:
            tokens = vendor.tokenize(own)
        except SqlglotError:
            continue  # it is not this vendor's
        yield [_statement(own, part) for part in _parts(tokens)]


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])  # so that places stay what they are


def _parts(tokens: list[Token]) -> Iterator[list[Token]]:
    part: list[Token] = []
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON or token.text.upper() == "GO":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _statement(text: str, tokens: list[Token]) -> Statement:
    words = [word for token in tokens for word in _words(token)]
    first = {word.say for word in words[:8]}
    runs = bool(first & {"DO", "EXECUTE", "EXEC", "PREPARE"}) or (
        "CREATE" in first and not first.isdisjoint(_HAVE_BODIES)
    )
    bodies = [
        # It is not found where it has escapes.
        (max(token.start, text.find(token.text, token.start, token.end + 1)), token.text)
        for token in tokens
        if token.token_type == TokenType.HEREDOC_STRING or (runs and token.token_type in _TEXTS)
    ]
    return Statement(words, bodies)


def _words(token: Token) -> Iterator[Word]:
    if token.token_type in _TEXTS or token.token_type == TokenType.IDENTIFIER:
        yield Word("", token.text, token.start, token.end + 1)
        return
    for say in token.text.upper().split():  # PRIMARY KEY is one token
        yield Word(say, say, token.start, token.end + 1)
