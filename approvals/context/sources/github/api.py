"""GitHub's REST API, as far as it is about one repository: by its number, never by its name."""

from typing import Any

from approvals.context.fetch import Fetch, NotThere, Refused
from approvals.context.forge import Params, Repository, said
from approvals.context.sources.github.credentials import Installations
from policies.language.facts import Unknown

VERSION = "2022-11-28"
MAYBE_FORKED = Unknown(
    "it is on no branch that was looked at, and GitHub shows commits of forks as well", "absent"
)
_installations = Installations()


class GitHubRepository(Repository):
    """One repository at GitHub; what is asked stands below its address.

    `number` is None where the setting has a name: good for nothing but to learn the number.
    """

    tip = "sha"

    def __init__(self, fetch: Fetch) -> None:
        self.named: str = fetch.settings["repository"]
        self.number = int(self.named) if self.named.isdigit() else None
        self._place = f"{'repos' if self.number is None else 'repositories'}/{self.named}"
        self._fetch = fetch

    def get(self, path: str = "", params: Params = (), *, lasting: bool = False) -> Any:
        # Numbers, not names, all the way: GitHub gives the name of a repository that was moved or
        # deleted to whoever wants it, and its number to nobody.
        below = f"/{path}" if path else ""
        return self.anywhere(f"{self._place}{below}", params, lasting=lasting)

    def anywhere(self, path: str, params: Params = (), *, lasting: bool = False) -> Any:
        """The same of what does not belong to the repository, as an account."""
        try:
            return self._fetch.json(
                path,
                params=params,
                lasting=lasting,
                headers={
                    "Accept": "application/vnd.github+json",
                    "X-GitHub-Api-Version": VERSION,
                    "Authorization": f"Bearer {self._token()}",
                },
            )
        except Refused as refused:
            if refused.status == 401 and self._fetch.settings.get("app"):
                _installations.forget(self._fetch, self.number)
            raise

    def reaches(self, head: str, commit: str) -> bool:
        if head == commit:
            return True
        try:
            # Files are only on the first page, and nobody needs them here.
            paged = [("per_page", "1"), ("page", "2")]
            compared = self.get(f"compare/{head}...{commit}", paged, lasting=True)
        except NotThere:
            return False  # they have nothing in common
        return said(compared, str, "status") in {"behind", "identical"}

    def has(self, commit: str) -> bool | Unknown:
        led = said(self.get(f"commits/{commit}/branches-where-head"), list)
        return True if led else MAYBE_FORKED

    def _token(self) -> str:
        if self._fetch.settings.get("app"):
            return _installations.token(self._fetch, self.number)
        return self._fetch.secrets["token"]


def account(user: Any) -> str | None:
    """The name of an account in facts: its number, which nobody else will ever get.

    None where GitHub knows of no account.
    """
    number = user.get("id") if isinstance(user, dict) else None
    return f"github:{number}" if type(number) is int else None
