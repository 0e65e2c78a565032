"""`python -m bench [NAME...]`: one line for each promise. See README.md."""

import argparse
import os
import subprocess
import sys
from importlib import import_module

from bench.figures import Figure, heading
from bench.world import database

# Each is a module with `run(base) -> list[Figure]`; without a database, `run()`.
ON_A_DATABASE = (
    *("statements", "backtest", "queue_page", "intake", "release", "arrival", "streams"),
    *("sources", "sealing", "export", "bundle"),
)
OF_ANY_SIZE = ("sealing", "export", "bundle")  # `run(base, size)`
BENCHES = ("verdict", "load", "document", *ON_A_DATABASE, "idle")
ALONE = "BENCH_ALONE"
SIZE = 100_000
MOST_SECONDS = 900


def main() -> int:
    """0, unless a bench itself failed to run; a missed bar is a figure, no failure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument(
        "--size", type=int, default=SIZE, metavar="ROWS",
        help="how many entries sealing, export and bundle work on (default %(default)s)",
    )  # fmt: skip
    arguments = parser.parse_args()
    names = arguments.names or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        parser.error(f"no bench {unknown[0]!r}; there are {', '.join(BENCHES)}")
    if ALONE in os.environ:
        _measure(names[0], arguments.size)
        return 0
    print(heading(), flush=True)
    return max([_in_own_process(name, arguments.size) for name in names])


def _in_own_process(name: str, size: int) -> int:
    """Each has a database of its own, and Django can be set up once in a process."""
    command = [sys.executable, "-m", "bench", name, "--size", str(size)]
    try:
        subprocess.run(command, env={**os.environ, ALONE: "1"}, check=True, timeout=MOST_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
        print(f"{name} failed to run: {failure}", file=sys.stderr)
        return 1
    return 0


def _measure(name: str, size: int) -> None:
    for figure in _figures(name, size):
        print(figure.line(), flush=True)


def _figures(name: str, size: int) -> list[Figure]:
    if name not in ON_A_DATABASE:
        return import_module(f"bench.{name}").run()  # type: ignore[no-any-return]
    with database() as base:  # sets Django up: models can be imported only then
        of_size = [size] if name in OF_ANY_SIZE else []
        return import_module(f"bench.{name}").run(base, *of_size)  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.exit(main())
