"""gitlab-ci-local from the package registries."""

from tests.npm import node, npm_packages

RUNNER = "gitlab-ci-local@4.75.1"


def installed() -> list[str]:
    """The command line of gitlab-ci-local; skips, and says why, where it cannot be had."""
    program = npm_packages(RUNNER) / "gitlab-ci-local" / "dist" / "index.js"
    return [str(node()), str(program)]
