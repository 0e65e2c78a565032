"""GitHub's REST API, as far as it is about one repository: by its number, never by its name."""

from collections.abc import Sequence
from typing import Any

from approvals.context.fetch import Fetch, Refused
from approvals.context.forge import said
from approvals.context.source import SourceFailed
from approvals.context.sources.github.credentials import Installations

PAGE = 100  # the most that GitHub gives at once
VERSION = "2022-11-28"
_installations = Installations()

Params = Sequence[tuple[str, str]]


class TooMany(Exception):
    """There is more than may be read; a part would say something else than the whole."""


class GitHubRepository:
    """One repository at GitHub; what is asked stands below its address.

    `number` is None where the setting has a name: good for nothing but to learn the number.
    """

    def __init__(self, fetch: Fetch) -> None:
        self.named: str = fetch.settings["repository"]
        self.number = int(self.named) if self.named.isdigit() else None
        self._place = f"{'repos' if self.number is None else 'repositories'}/{self.named}"
        self._fetch = fetch

    def get(self, path: str = "", params: Params = (), *, lasting: bool = False) -> Any:
        """The JSON at `path`; `lasting`: it never changes. Raises NotThere, Refused, SourceFailed.

        Numbers, not names, all the way: GitHub gives the name of a repository that was moved or
        deleted to whoever wants it, and its number to nobody.
        """
        below = f"/{path}" if path else ""
        try:
            return self._fetch.json(
                f"{self._place}{below}",
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

    def every(
        self, path: str, params: Params = (), *, of: str = "", most: int, lasting: bool = False
    ) -> list[Any]:
        """All of a list, page after page; `of`: where each page has it, beside how many there are.

        Raises TooMany for more than `most`, and as `get` does.
        """
        found: list[Any] = []
        while True:
            number = len(found) // PAGE + 1
            paged = [*params, ("per_page", str(PAGE)), ("page", str(number))]
            answer = self.get(path, paged, lasting=lasting)
            page = said(answer, list, of) if of else said(answer, list)
            found += page
            if len(page) > PAGE:
                raise SourceFailed("its answer has more on a page than was asked for")
            if len(page) < PAGE:
                break
            if len(found) >= most:
                raise TooMany
        if of and len(found) != said(answer, int, "total_count"):
            raise SourceFailed("its answer changed while it was read")
        return found

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
