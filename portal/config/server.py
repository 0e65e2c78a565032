"""`python -m portal.config.server`: one uvicorn, one port."""

import asyncio
import resource
import sys
from types import FrameType

import uvicorn
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from portal.config.asgi import application
from portal.config.settings import env

OPEN_FILES = 16_384
# Seconds. A parked call answers while the decider's page is still being made: at Python's default
# of 5 ms it would wait that long after each of its few statements.
SWITCH_INTERVAL = 0.0005


class Server(uvicorn.Server):
    """Tells parked calls to answer before the sockets are closed."""

    async def main_loop(self) -> None:
        """As uvicorn's, but it looks twice a second, not ten times: that was half of what an idle
        portal did. A tenth tick, as uvicorn counts them, renews the Date header."""
        tick = 0
        while not await self.on_tick(tick):
            tick = (tick + 5) % 864_000
            await asyncio.sleep(0.5)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        hub = application.hub
        if hub is not None:
            hub.close()
        super().handle_exit(sig, frame)


def _raise_open_files() -> None:
    """Every stream is a socket; the default of 1,024 is soon used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    """Check, then serve until told to stop. An unsafe database is a reason not to start."""
    try:
        call_command("check", databases=["default"])
    except SystemCheckError as error:
        sys.exit(str(error))
    _raise_open_files()
    sys.setswitchinterval(SWITCH_INTERVAL)
    config = uvicorn.Config(
        application,
        host=env.host,
        port=env.port,
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=64 * 1024,
    )
    Server(config).run()


if __name__ == "__main__":
    main()
