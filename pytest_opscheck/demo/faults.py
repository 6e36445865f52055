"""What `--break NAME` breaks: each fault really happens to the shop, before its daily run."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass

from .stack import Stack


@dataclass(frozen=True)
class Fault:
    """A fault: what people are told, the part of the shop that it needs, and how it is made."""

    title: str
    make: Callable[[Stack], None]
    needs: str = "api"


def _fill_queue(stack: Stack) -> None:
    stack.send("report", times=600)


def _truncate_backup(stack: Stack) -> None:
    for file in stack.backups.iterdir():
        os.truncate(file, file.stat().st_size // 2)


def _age_backup(stack: Stack) -> None:
    then = dt.datetime.now().astimezone() - dt.timedelta(days=3)
    for file in stack.backups.iterdir():
        os.utime(file, (then.timestamp(), then.timestamp()))
        file.rename(file.with_name(f"shop-{then:%Y-%m-%d}.sql.gz"))


def _raise_errors(stack: Stack) -> None:
    # The API takes an order's number for a number without having looked: each of these raises, and answers 500.
    stack.get(*["/orders/none"] * 20)


def _stick_jobs(stack: Stack) -> None:
    stack.sql(
        "insert into jobs (status, created_at) "
        "select 'processing', now() - interval '3 hours' from generate_series(1, 4)"
    )


# In the order in which they are made: what restarts the API comes first, what stops servers last.
FAULTS = {
    "slow": Fault("the API waits 0.6 s before each answer", lambda stack: stack.start_api("--delay-s", "0.6")),
    "api": Fault("the API is in maintenance and answers 503", lambda stack: stack.start_api("--maintenance")),
    "certificate": Fault("the API's certificate expired two days ago", lambda stack: stack.start_api(expired=True)),
    "errors": Fault("20 requests raised an error in the API", _raise_errors),
    "jobs": Fault("four jobs have been processing for three hours", _stick_jobs, needs="jobs"),
    "queue": Fault("600 tasks of a minute each wait for two threads", _fill_queue, needs="celery"),
    "backup": Fault("the backup was cut off halfway", _truncate_backup, needs="backup"),
    "stale-backup": Fault("the newest backup is three days old", _age_backup, needs="backup"),
    "worker": Fault("the Celery worker is stopped", lambda stack: stack.processes.stop("worker"), needs="celery"),
    "redis": Fault("Redis is stopped", lambda stack: stack.processes.stop("redis"), needs="redis"),
    "database": Fault("PostgreSQL is stopped", lambda stack: stack.processes.stop("postgres"), needs="postgres"),
}
"""Every fault by the name that `--break` takes."""


def faults() -> dict[str, str]:
    """Return what each fault does, by the name that `--break` takes."""
    return {name: fault.title for name, fault in FAULTS.items()}
