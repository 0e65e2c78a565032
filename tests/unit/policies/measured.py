"""Runs policies in child processes with a hard limit, and says what each took.

One warmed server process forks a child for every case, so a case costs what it costs and not what
importing costs. `python -m tests.unit.policies.measured` is that server: a JSON case a line in, a
JSON result a line out.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from policies.language.conditions import Compiler, ConditionError
from policies.language.document import PinnedPolicy
from policies.language.evaluate import evaluate
from policies.language.facts import MAX_ITEMS, MAX_LIST_CHARACTERS, MAX_STRING, SCHEMAS, Facts
from policies.language.parse import parse_policy
from policies.language.problems import PolicyError
from portal.kernel.canonical import canonical
from tests.unit.policies.builders import HEAD, TARGET, facts

FEW_LONG = MAX_LIST_CHARACTERS // MAX_STRING
CPU_KILL_S = 5
MEMORY_KILL = 2**30
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Measured:
    """`answer` is what came out, or the problems; `cpu_s` and `mib` what it took on top."""

    answer: str
    cpu_s: float
    mib: float


def run_case(kind: str, text: str, items: int) -> str:
    """Reads a document or a condition and, if it is taken, judges the worst facts and no facts."""
    cases = [worst_facts(items), facts()]
    if kind == "condition":
        condition = Compiler(SCHEMAS["v1"], []).compile(text)
        return " ".join(condition.evaluate(given, {}).truth.value for given in cases)
    pinned = PinnedPolicy(parse_policy(text), 1, "sha256:" + "0" * 64)
    verdicts = [evaluate([pinned], given) for given in cases]
    return " ".join(
        str(verdict.outcome.value) for verdict in verdicts if canonical(verdict.to_json())
    )


@cache
def worst_facts(items: int) -> Facts:
    """Every fact as large as the door lets in; lists have so many items, as long as they may be."""
    length = min(MAX_STRING, MAX_LIST_CHARACTERS // items)
    values: dict[str, object] = {}
    for name, fact in SCHEMAS["v1"].items():
        many = [f"{'xy' * (length // 2)}{number:04}"[-length:] for number in range(items)]
        values[name] = {
            "bool": False,
            "int": 2**53 - 1,
            "double": 1e308,
            "string": fact.enumeration[0] if fact.enumeration else "xyyx" * (MAX_STRING // 4),
            "list": many,
        }[fact.kind]
    return facts({**values, **TARGET})


@contextmanager
def measuring() -> Iterator["Server"]:
    """A server for as long as the block runs."""
    command = [sys.executable, "-m", "tests.unit.policies.measured"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Server(process)
        process.stdin.close()


class Server:
    """Asks the server process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def measure(self, kind: str, text: str, items: int = MAX_ITEMS) -> Measured:
        """Raises AssertionError when the child died."""
        print(json.dumps([kind, text, items]), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        assert isinstance(answer, dict), f"the process died of {answer}"
        return Measured(**answer)


def _serve() -> None:
    _warm()
    for items in FEW_LONG, MAX_ITEMS:
        worst_facts(items)
    for line in sys.stdin:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            os.write(writer, json.dumps(asdict(_limited(*json.loads(line)))).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as pipe:
            said = pipe.read()
        _, status = os.waitpid(child, 0)
        sys.stdout.write((said if status == 0 else json.dumps(f"status {status}")) + "\n")
        sys.stdout.flush()


def _limited(kind: str, text: str, items: int) -> Measured:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_KILL_S, CPU_KILL_S))
    _warm()
    before = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY_KILL,) * 2)
    try:
        answer = run_case(kind, text, items)
    except ConditionError as error:
        answer = "refused: " + "; ".join(f"{m.offset}: {m.message}" for m in error.mistakes)
    except PolicyError as error:
        answer = f"refused: {error}"
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(answer[:2_000], cpu, (after.ru_maxrss - before.ru_maxrss) / 1024)


def _address_space() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * resource.getpagesize()


def _warm() -> None:
    run_case("condition", "git.paths.exists(p, p.matches('^z') && matches_path(p, 'a/**'))", 10)
    run_case("document", HEAD.format(name="warm"), 10)


if __name__ == "__main__":
    _serve()
