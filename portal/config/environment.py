"""Everything the outside may set, read once, loud when wrong."""

from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

CHECKOUT = Path(__file__).resolve().parents[2]
SHORTEST_KEY = 32  # characters of a random text


class Environment(BaseSettings):
    """Environment variables; secrets may come from `<NAME>_FILE` instead."""

    model_config = SettingsConfigDict(extra="ignore")

    debug: bool = Field(default=False, validation_alias="COUNTERSIGN_DEBUG")
    home: Path = Field(default=CHECKOUT / ".countersign", validation_alias="COUNTERSIGN_HOME")
    port: int = Field(default=8000, validation_alias="PORT", ge=1, le=65535)
    host: str = Field(default="127.0.0.1", validation_alias="HOST")
    public_url: str = Field(default="", validation_alias="COUNTERSIGN_URL")
    allowed_hosts: str = Field(
        default="localhost,127.0.0.1,[::1]", validation_alias="ALLOWED_HOSTS"
    )
    database_url: str = Field(default="", validation_alias="DATABASE_URL")
    broker_url: str = Field(default="", validation_alias="BROKER_URL")
    email_url: str = Field(default="", validation_alias="EMAIL_URL", repr=False)
    email_url_file: Path | None = Field(default=None, validation_alias="EMAIL_URL_FILE")
    email_from: str = Field(default="", validation_alias="EMAIL_FROM")
    secret_key: str = Field(default="", validation_alias="SECRET_KEY", repr=False)
    secret_key_file: Path | None = Field(default=None, validation_alias="SECRET_KEY_FILE")
    secrets_key: str = Field(default="", validation_alias="SECRETS_KEY", repr=False)
    secrets_key_file: Path | None = Field(default=None, validation_alias="SECRETS_KEY_FILE")
    signing_key_file: Path | None = Field(
        default=None, validation_alias="COUNTERSIGN_SIGNING_KEY_FILE"
    )
    permit_signer: str = Field(default="", validation_alias="COUNTERSIGN_PERMIT_SIGNER")
    permit_public_key_file: Path | None = Field(
        default=None, validation_alias="COUNTERSIGN_PERMIT_PUBLIC_KEY_FILE"
    )
    permit_signer_secret_file: Path | None = Field(
        default=None, validation_alias="COUNTERSIGN_PERMIT_SIGNER_SECRET_FILE"
    )
    checkpoint_key_file: Path | None = Field(
        default=None, validation_alias="COUNTERSIGN_CHECKPOINT_KEY_FILE"
    )
    embedded: bool = Field(default=False, validation_alias="COUNTERSIGN_EMBEDDED")
    request_log_level: Literal["INFO", "WARNING", "ERROR"] = Field(
        default="ERROR", validation_alias="COUNTERSIGN_REQUEST_LOG"
    )
    git_roots: str = Field(default="", validation_alias="COUNTERSIGN_GIT_ROOTS")
    calendar_hosts: str = Field(default="", validation_alias="COUNTERSIGN_CALENDAR_HOSTS")
    redeem_seconds: float = Field(
        default=3.0, validation_alias="COUNTERSIGN_REDEEM_SECONDS", ge=0.5, le=30
    )
    ledger_online_months: int = Field(
        default=13, validation_alias="COUNTERSIGN_LEDGER_ONLINE_MONTHS", ge=1, le=1200
    )
    ledger_archived_years: int = Field(
        default=7, validation_alias="COUNTERSIGN_LEDGER_ARCHIVED_YEARS", ge=1, le=100
    )
    web_threads: int = Field(default=6, validation_alias="COUNTERSIGN_WEB_THREADS", ge=1, le=64)

    @field_validator("public_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _signer_with_its_public_key(self) -> "Environment":
        if self.permit_signer and not self.permit_public_key_file:
            raise ValueError("COUNTERSIGN_PERMIT_SIGNER needs COUNTERSIGN_PERMIT_PUBLIC_KEY_FILE.")
        return self

    @property
    def url(self) -> str:
        """The portal's own address, as people and pipelines reach it."""
        return self.public_url or f"http://127.0.0.1:{self.port}"

    def read_secret_key(self) -> str:
        """Django's secret key. Raises ValueError when neither variable gives one."""
        if self.secret_key:
            return self.secret_key
        if self.secret_key_file:
            return self.secret_key_file.read_text().strip()
        raise ValueError("Set SECRET_KEY or SECRET_KEY_FILE (`make run` makes one for you).")

    def read_email_url(self) -> str:
        """Where mail goes; empty for nowhere."""
        if self.email_url_file and not self.email_url:
            return self.email_url_file.read_text().strip()
        return self.email_url

    def read_secrets_key(self) -> list[str]:
        """What stored secrets are encrypted with, the newest first; empty: with the secret key.

        Raises ValueError for a file without a key and for a key that could be guessed.
        """
        text = self.secrets_key
        if not text and self.secrets_key_file:
            text = self.secrets_key_file.read_text() or ","
        keys = text.replace(",", " ").split()
        if text and len("".join(keys[:1])) < SHORTEST_KEY:
            raise ValueError(f"The first SECRETS_KEY must have {SHORTEST_KEY} characters or more.")
        return keys


def parse_database_url(url: str) -> dict[str, Any]:
    """Django's database settings for a `postgresql://` URL (host may be a socket folder).

    Raises ValueError for any other scheme: Countersign stands on PostgreSQL only.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError("DATABASE_URL must begin with postgresql://")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }
