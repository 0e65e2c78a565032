"""A Celery application with one task that is due twice a second."""

import os
from pathlib import Path

from celery import Celery

app = Celery("tiny", broker=os.environ.get("BROKER_URL"))
app.conf.task_ignore_result = True
app.conf.beat_schedule = {"tick": {"task": "tests.runner.tiny_app.tick", "schedule": 0.5}}


@app.task
def tick() -> None:
    with Path(os.environ["TICKS"]).open("a") as ticks:
        ticks.write("tick\n")
