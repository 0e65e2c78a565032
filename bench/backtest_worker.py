"""`python -m bench.backtest_worker ID`: works on a backtest as a worker does, turn after turn.

Prints the seconds it took, and the most memory that it and one of its helpers had, in MiB.
"""

import resource
import sys
from importlib import import_module
from time import perf_counter
from uuid import UUID

import django


def main(backtest: UUID) -> None:
    """Work until it is done."""
    django.setup()
    run_backtest = import_module("approvals.backtest.run").run_backtest
    begun = perf_counter()
    while run_backtest(backtest):
        pass
    seconds = perf_counter() - begun
    state = import_module("approvals.models").Backtest.objects.get(pk=backtest).state
    if state != "done":
        raise RuntimeError(f"the backtest is {state}")
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    print(seconds, sum(resource.getrusage(one).ru_maxrss for one in who) / 1024)


if __name__ == "__main__":
    main(UUID(sys.argv[1]))
