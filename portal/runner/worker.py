"""`python -m portal.runner.worker APP SCHEDULE`: a Celery worker with beat as one of its threads.

One process instead of two saves about 80 MB. Beat cannot be lost alone: it dies with the worker,
and when its thread ends by itself the worker stops too, so that the runner starts both again.
Production runs `celery worker` and one `celery beat` instead.
"""

import os
import signal
import sys
import threading
import warnings

from celery import Celery, bootsteps
from celery.app.utils import find_app
from celery.apps.worker import Worker
from celery.beat import Service
from celery.exceptions import SecurityWarning

# Threads mostly wait for other systems: a request may ask ten of them at once.
OPTIONS = ("worker", "-P", "threads", "-c", "16", "--without-gossip", "--without-mingle")


class Beat(threading.Thread):
    """Sends what is due until it is told to stop."""

    def __init__(self, app: Celery, schedule: str) -> None:
        super().__init__(name="beat", daemon=True)
        self.service = Service(app, schedule_filename=schedule)
        self.wanted = True

    def run(self) -> None:
        try:
            self.service.start()
        finally:
            if self.wanted:
                os.kill(os.getpid(), signal.SIGTERM)

    def stop(self) -> None:
        """Stop and wait for the schedule to be written."""
        self.wanted = False
        self.service.stop(wait=True)


class BeatStep(bootsteps.StartStopStep):
    """Starts beat with the worker and stops it first."""

    schedule = ""
    beat: Beat

    def start(self, parent: Worker) -> None:
        """Called by the worker when it begins."""
        self.beat = Beat(parent.app, self.schedule)
        self.beat.start()

    def stop(self, parent: Worker) -> None:
        """Called by the worker when it ends."""
        self.beat.stop()


def main(name: str, schedule: str) -> None:
    """Run the worker of the Celery application called `name` (module:attribute)."""
    # `make run` as root is meant, and tasks are JSON only.
    warnings.filterwarnings("ignore", category=SecurityWarning, module="celery.platforms")
    # The web process has run the checks; here they would load every page, 20 MB of them.
    os.environ.update(CELERY_SKIP_CHECKS="1")
    app = find_app(name)
    BeatStep.schedule = schedule
    app.steps["worker"].add(BeatStep)
    app.start(["--quiet", *OPTIONS])


if __name__ == "__main__":
    main(*sys.argv[1:])
