"""GitLab's API v4, as far as it is about one project: by its number, never by its name."""

from typing import Any

from approvals.context.fetch import Fetch, NotThere
from approvals.context.forge import Params, Repository, said


class GitLabProject(Repository):
    """One project at GitLab; what is asked stands below its address."""

    tip = "id"
    branches = "repository/branches"

    def __init__(self, fetch: Fetch) -> None:
        self.number = int(fetch.settings["project"])
        self._fetch = fetch

    def get(self, path: str = "", params: Params = (), *, lasting: bool = False) -> Any:
        below = f"/{path}" if path else ""
        return self.anywhere(f"projects/{self.number}{below}", params, lasting=lasting)

    def anywhere(self, path: str, params: Params = (), *, lasting: bool = False) -> Any:
        """The same of what does not belong to the project, as an account."""
        return self._fetch.json(
            f"api/v4/{path}",
            params=params,
            lasting=lasting,
            headers={"PRIVATE-TOKEN": self._fetch.secrets["token"]},
        )

    def reaches(self, head: str, commit: str) -> bool:
        if head == commit:
            return True
        try:
            asked = [("refs[]", commit), ("refs[]", head)]
            shared = self.get("repository/merge_base", asked, lasting=True)
        except NotThere:
            return False  # they have nothing in common
        return said(shared, str, "id") == commit

    def has(self, commit: str) -> bool:
        branches = [("type", "branch"), ("per_page", "1")]
        return bool(said(self.get(f"repository/commits/{commit}/refs", branches), list))


def account(number: int) -> str:
    """The name of an account in facts: its number, which nobody else will ever get."""
    return f"gitlab:{number}"
