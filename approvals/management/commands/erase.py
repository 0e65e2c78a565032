"""`manage.py erase`: take what names a person, or is in people's words, out of the database."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.utils import ProgrammingError

from approvals.audit.erasable import Erasable, of_person, of_request
from approvals.audit.erase import erase
from approvals.models import Request
from portal.accounts.models import User
from portal.kernel.errors import Refused

NOT_OWNER = "Only the owner of the tables may do this: set DATABASE_URL to the owner's address."
LINES = (
    ("comments", "comments of decisions"),
    ("reasons", "requests: their reason and the name of who started the run"),
    ("endings", "reasons of a withdrawal or of taking an approval back"),
    ("snapshots", "snapshots: their facts about people"),
)


class Command(BaseCommand):
    help = (
        "Erase a person, or all texts of one request. Without --yes it only shows what would go. "
        "Run it as the owner of the tables."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", nargs="?", help="sign-in name or reference of a person")
        parser.add_argument("--request", type=int, help="number of a request, without the R-")
        parser.add_argument("--by", required=True, help="sign-in name of the administrator")
        parser.add_argument("--yes", action="store_true", help="do it; nothing brings it back")

    def handle(self, *args: Any, **options: Any) -> None:
        by = _person(options["by"])
        try:
            found = _found(options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        for name, words in LINES:
            self.stdout.write(f"{found.counts()[name]:6} {words}")
        if found.person is not None:
            self.stdout.write(f"{1:6} name, sign-in name, address and password of {found.person}")
        if not options["yes"]:
            self.stdout.write("Nothing was erased. Say --yes to do it; nothing brings it back.")
            return
        try:
            number = erase(found, by=by)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        except ProgrammingError as error:
            raise CommandError(NOT_OWNER) from error
        self.stdout.write(f"Erased; the ledger says so in entry {number}.")


def _found(options: dict[str, Any]) -> Erasable:
    if (options["person"] is None) == (options["request"] is None):
        raise CommandError("Name a person, or a request with --request.")
    if options["person"] is not None:
        return of_person(_person(options["person"]))
    request = Request.objects.filter(number=options["request"]).first()
    if request is None:
        raise CommandError(f"There is no request R-{options['request']}.")
    return of_request(request)


def _person(name: str) -> User:
    people = User.objects.all()
    found = people.filter(username__iexact=name).first()
    found = found or next((one for one in people if str(one.actor_ref) == name), None)
    if found is None:
        raise CommandError(f"Nobody signs in as “{name}”, and nobody has this reference.")
    return found
