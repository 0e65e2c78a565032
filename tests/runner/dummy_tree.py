"""A tree of dummies for the tests: `python -m tests.runner.dummy_tree DIRECTORY`.

Each dummy writes its process id to DIRECTORY/NAME.pid and, when stopped, a line to stops.txt.
`family` has a child of its own, `deaf` ignores the stop signal.
"""

import os
import sys
from pathlib import Path

from portal.runner.home import only_run
from portal.runner.log import Log
from portal.runner.process import Command
from portal.runner.tree import StopRequested, Tree, stop_signals

POLITE = """
echo $$ > {place}/{name}.pid
trap 'echo {name} >> {place}/stops.txt; kill $!; exit 0' TERM
echo {name} is up
while :; do sleep 60 & wait $!; done
"""
FAMILY = """
sleep 600 & echo $! > {place}/grandchild.pid
echo $$ > {place}/{name}.pid
wait
"""
DEAF = """
trap '' TERM
echo $$ > {place}/{name}.pid
while :; do sleep 1; done
"""


def main(place: Path) -> int:
    with stop_signals(), only_run(place) as lock:
        tree = Tree(Log(), held_open=[lock], with_parent="--with-parent" in sys.argv)
        scripts = [("one", POLITE), ("two", POLITE), ("family", FAMILY), ("three", POLITE)]
        if "--deaf" in sys.argv:
            scripts.append(("deaf", DEAF))
        try:
            for name, script in scripts:
                text = script.format(place=place, name=name)
                command = Command(["sh", "-c", text], dict(os.environ), place, grace=1.0)
                tree.start(name, lambda command=command: command)
            tree.supervise()
        except StopRequested:
            return 0
        finally:
            tree.stop()
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
