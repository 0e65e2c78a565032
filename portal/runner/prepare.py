"""`python -m portal.runner.prepare SOCKET_DIRECTORY`: wait for the server, make its roles.

A process of its own, so that the runner need not keep a database driver in memory.
"""

import sys
from pathlib import Path

from portal.runner.postgres import Server

if __name__ == "__main__":
    server = Server(Path(sys.argv[1]))
    server.wait_ready()
    server.prepare()
