"""Which git repositories a project may name: the portal will fetch from there."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from portal.kernel.text import text_problem

_HOST = re.compile(r"\A[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\Z")
_PATH = re.compile(r"\A/[A-Za-z0-9._~/+@%-]+\Z")
_BRANCH = re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9._/+#@-]*\Z")


def repository_problem(value: str) -> str | None:
    """Why `value` cannot be a project's repository, or None.

    Allowed: `https://host/path`, `ssh://[user@]host/path`, and an absolute folder that, with every
    link followed, stands inside one of `settings.GIT_ROOTS`. Git's other transports (`ext::` runs
    commands), options in disguise and embedded passwords are refused.
    """
    if value == "":
        return None
    if text_problem(value) or any(character.isspace() for character in value):
        return _("The address contains spaces or control characters.")
    if value.startswith("/"):
        return _folder_problem(value)
    return _address_problem(value)


def _address_problem(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        return _("This is not a valid address.")
    if parts.scheme not in {"https", "ssh"} or not value.startswith(f"{parts.scheme}://"):
        return _("Use an https:// or ssh:// address, or a folder the portal may read.")
    if parts.password is not None or (parts.scheme == "https" and parts.username is not None):
        return _("Leave user and password out of the address; it is shown to everybody.")
    if parts.username is not None and not re.fullmatch(r"[A-Za-z0-9._]+", parts.username):
        return _("The user name in the address is not valid.")
    if not _HOST.match(parts.hostname or "") or not port_is_good:
        return _("The host in the address is not valid.")
    if not _PATH.match(parts.path) or parts.query or parts.fragment:
        return _("The path in the address is not valid.")
    return None


def _folder_problem(value: str) -> str | None:
    roots = [Path(root).resolve() for root in settings.GIT_ROOTS]
    if not roots:
        return _("Folders are not allowed here: COUNTERSIGN_GIT_ROOTS names none.")
    try:
        folder = Path(value).resolve(strict=True)
    except (OSError, RuntimeError):
        folder = None
    if folder is None or not any(folder.is_relative_to(root) for root in roots):
        return _("This folder does not exist inside a folder that COUNTERSIGN_GIT_ROOTS names.")
    return None


def branch_problem(value: str) -> str | None:
    """Why `value` cannot be a branch's name, or None (the strict part of git's own rule)."""
    bad = (
        not _BRANCH.match(value)
        or ".." in value
        or "//" in value
        or "@{" in value
        or value.endswith(("/", ".", ".lock"))
    )
    return _("This is not a branch name that git accepts.") if bad else None
