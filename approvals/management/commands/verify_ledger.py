"""`manage.py verify_ledger`: is the ledger what was sealed? Reads everything, changes nothing."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.audit.archive import kept_until
from approvals.audit.verification import own_connection
from portal.kernel.clock import now
from portal.ledger.archived import ArchivedMonth
from portal.ledger.note import BadNote
from portal.ledger.verify import Verified, known_keys, verify_log
from portal.ledger.verify_archives import FileOf

READ = "their files were read, where they have not run out"
NOT_READ = "their leaves were taken as they stand; give --archive FOLDER to have the files read"
OWN_KEYS = (
    "The keys were taken from the database itself. Give the key that you wrote down with --key: "
    "only then it is also certain that nobody replaced the whole log."
)


class Command(BaseCommand):
    help = (
        "Make every leaf, tile and root of the sealed log again from the entries, check every "
        "signature, and say what does not hold. Exit code 1 when something does not."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--key", action="append", default=[], metavar="NAME+ID+KEY",
            help="a key that may sign checkpoints; may be given several times",
        )  # fmt: skip
        parser.add_argument(
            "--archive", type=Path, metavar="FOLDER",
            help="read the files of archived months in this folder too",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        begun = time.monotonic()
        with own_connection() as own:
            keys = options["key"] or known_keys(own)
            try:
                result = verify_log(own, keys, self._progress, _files_in(options["archive"]))
            except BadNote as problem:
                raise CommandError(f"--key: {problem}") from problem
        files = READ if options["archive"] else NOT_READ
        self._say(result, files, time.monotonic() - begun)
        if not options["key"]:
            self.stdout.write(OWN_KEYS)
        if result.findings:
            raise CommandError(f"{len(result.findings) + result.more} findings: it does not hold.")
        self.stdout.write("Everything holds.")

    def _progress(self, done: int, total: int) -> None:
        if sys.stderr.isatty() and total:
            self.stderr.write(f"\r{done * 100 // total:3d} %  {done:,} of {total:,}", ending="")
            if done == total:
                self.stderr.write("")

    def _say(self, result: Verified, files: str, seconds: float) -> None:
        for sentence in result.findings:
            self.stdout.write(f"- {sentence}")
        if result.more:
            self.stdout.write(f"- and {result.more} more")
        origin = result.last.origin if result.last else "no log yet"
        self.stdout.write(
            f"{origin}: {result.size:,} entries sealed, {result.signed_size:,} of them under a "
            f"signed checkpoint; {result.checkpoints:,} checkpoints; {result.unsealed:,} entries "
            f"not sealed yet. {seconds:.1f} s."
        )
        if result.archived:
            self.stdout.write(
                f"{result.archived:,} of them are archived ({', '.join(result.months)}): {files}."
            )


def _files_in(folder: Path | None) -> FileOf:
    """Where the file of a month must be; one that may have been deleted by now may be missing."""

    def file_of(month: ArchivedMonth) -> Path | None:
        path = folder / month.file if folder else None
        deleted = path and kept_until(month) <= now().date() and not path.exists()
        return None if deleted else path

    return file_of
