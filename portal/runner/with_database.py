"""`python -m portal.runner.with_database COMMAND...`: run a command on an empty database.

The database is embedded, temporary and the command's own; DATABASE_URL is the owner's address.
"""

import os
import subprocess
import sys

from portal.runner.postgres import embedded_postgres


def main(command: list[str]) -> int:
    """The exit code of the command."""
    with embedded_postgres(durable=False) as server:
        environment = {**os.environ, "DATABASE_URL": server.owner_url}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
