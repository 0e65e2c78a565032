"""`manage.py demo`: load the demo company once, and say how to try it."""

import json
import os
import shutil
import subprocess
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from approvals.lifecycle.receipt import ensure_signing_key
from approvals.management.company import NAME, found_company, move_metrics
from portal.accounts.models import User

LOCK = 0x436F756E74657273  # any fixed number: two first starts at once load one company


class Command(BaseCommand):
    help = "Load the demo company on the first start; print its logins and a gated command."
    requires_system_checks = ()  # web runs them, and says what they find

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--home", type=Path, default=settings.HOME)
        parser.add_argument("--url", default=settings.PUBLIC_URL)
        parser.add_argument("--metrics", default="", help="where the demo's monitoring answers")
        parser.add_argument("--quiet", action="store_true", help="load, print nothing")
        parser.add_argument("--show", action="store_true", help="print only, load nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        home: Path = options["home"].resolve()
        file = home / "demo.json"
        if not options["show"]:
            ensure_signing_key()
            self._load(home, file, options["url"], options["metrics"])
        if not options["quiet"]:
            self._print(home, file, options["url"])

    def _load(self, home: Path, file: Path, url: str, metrics: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            if User.objects.exists():
                if metrics:
                    move_metrics(metrics)
                return
            company = found_company(_repository(home / "demo" / "shop"), metrics)
            # Inside the transaction: logins nobody can read would be worse than none.
            _write_secret(file, json.dumps({"url": url, **company}, indent=2) + "\n")
            for slug, token in company["tokens"].items():
                _write_secret(home / "demo" / f"{slug}.token", token + "\n")

    def _print(self, home: Path, file: Path, url: str) -> None:
        if not file.exists():
            self.stdout.write(f"Countersign runs at {url} (no demo company was loaded here).")
            return
        company = json.loads(file.read_text())
        people = "\n".join(
            f"    {user['username']:<8} {user['password']:<20} {user['name']}, {user['roles']}"
            for user in company["users"]
        )
        self.stdout.write(
            f"\nCountersign runs at {url}\n\n"
            f"  Sign in as one of the people of {NAME} (also in {file}):\n{people}\n\n"
            f"  Ask for a deployment from another terminal, in {settings.BASE_DIR}:\n\n"
            f"{_commands(home, url, company)}\n"
        )


def _commands(home: Path, url: str, company: dict[str, Any]) -> str:
    where = os.path.relpath(home, settings.BASE_DIR)
    base = where if not where.startswith("..") else str(home)
    repository = company["repository"]
    commit = f'"$(git -C {base}/demo/shop rev-parse HEAD)"' if repository else "0" * 40
    staging, production = (
        f"    COUNTERSIGN_URL={url} COUNTERSIGN_TOKEN_FILE={base}/demo/shop.token \\\n"
        f"    python3 plugins/client/countersign.py gate --project shop --environment {name} \\\n"
        f"        --action deploy --commit {commit} -- echo deployed to {name}\n"
        for name in ("staging", "production")
    )
    text = (
        f"{staging}\n  Policy lets that through inside the call. Production waits for a team lead "
        f"(sign in as maria):\n\n{production}"
    )
    if repository:
        text += (
            "\n  A commit that lands between approval and execution voids the approval. While it "
            f"waits:\n\n    sh plugins/demo/add-commit.sh {base}/demo/shop\n"
        )
    else:
        text += "\n  git was not found here, so the demo project has no repository to read.\n"
    if (home / "demo" / "metrics.json").exists():
        text += (
            "\n  So does an error rate that moves; above 0.05 somebody on call is asked too:\n\n"
            f"    sh plugins/demo/set-error-rate.sh {base}/demo 0.04\n"
        )
    return text


def _repository(folder: Path) -> Path | None:
    """A real repository for the demo pipeline; None where there is no git program."""
    if shutil.which("git") is None:
        return None
    if not (folder / ".git").exists():
        script = settings.BASE_DIR / "plugins" / "demo" / "make-repo.sh"
        folder.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["sh", str(script), str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise CommandError(f"The demo repository could not be made: {done.stderr.strip()}")
    return folder


def _write_secret(path: Path, text: str) -> None:
    """Readable by its owner only, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)
