"""Celery: the queues default and scoring, and what beat sends to them."""

import logging.config
from os import environ
from pathlib import Path

from celery import Celery
from celery.signals import after_task_publish, heartbeat_sent, setup_logging, worker_ready

environ.setdefault("DJANGO_SETTINGS_MODULE", "service.settings")
EVERY_S = 10
ALIVE = Path("/tmp/alive")

app = Celery("service", broker=environ.get("BROKER_URL"))
app.conf.update(
    task_default_queue="default",
    task_routes={"service.tasks.score": {"queue": "scoring"}},
    task_ignore_result=True,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    beat_schedule_filename="/tmp/beat",
    beat_schedule={
        "tidy": {"task": "service.tasks.tidy", "schedule": EVERY_S},
        "score": {"task": "service.tasks.score", "schedule": EVERY_S, "args": ["SPY"]},
    },
)
app.autodiscover_tasks(["service"])


@setup_logging.connect
def as_django_does(**_said: object) -> None:
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


@worker_ready.connect
@heartbeat_sent.connect
@after_task_publish.connect
def alive(**_said: object) -> None:
    """Touch the file whose age the health checks of workers and beat look at."""
    ALIVE.touch()
