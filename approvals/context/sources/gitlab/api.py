"""GitLab's API v4, as far as it is about one project: by its number, never by its name."""

from collections.abc import Sequence
from typing import Any

from approvals.context.fetch import Fetch
from approvals.context.forge import said
from approvals.context.source import SourceFailed

PAGE = 100  # the most that GitLab gives at once

Params = Sequence[tuple[str, str]]


class TooMany(Exception):
    """There is more than may be read; a part would say something else than the whole."""


class GitLabProject:
    """One project at GitLab; what is asked stands below its address."""

    def __init__(self, fetch: Fetch) -> None:
        self.number = int(fetch.settings["project"])
        self._fetch = fetch

    def get(self, path: str = "", params: Params = (), *, lasting: bool = False) -> Any:
        """The JSON at `path`; `lasting`: it never changes. Raises NotThere, Refused, SourceFailed.

        Numbers, not names, all the way: the name of a project can be given to another one.
        """
        below = f"/{path}" if path else ""
        return self._fetch.json(
            f"api/v4/projects/{self.number}{below}",
            params=params,
            lasting=lasting,
            headers={"PRIVATE-TOKEN": self._fetch.secrets["token"]},
        )

    def every(
        self, path: str, params: Params = (), *, most: int, lasting: bool = False
    ) -> list[Any]:
        """All of a list, page after page. Raises TooMany above `most`, and what `get` raises."""
        found: list[Any] = []
        while True:
            number = len(found) // PAGE + 1
            paged = [*params, ("per_page", str(PAGE)), ("page", str(number))]
            page = said(self.get(path, paged, lasting=lasting), list)
            if len(page) > PAGE:
                raise SourceFailed("its answer has more on a page than was asked for")
            found += page
            if len(page) < PAGE:
                return found
            if len(found) >= most:
                raise TooMany


def account(number: int) -> str:
    """The name of an account in facts: its number, which nobody else will ever get."""
    return f"gitlab:{number}"
