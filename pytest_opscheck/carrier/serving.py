"""A worker as a process: Celery's own, in the foreground, with threads that each wait for a run."""

from __future__ import annotations

import os
import platform
import signal
import threading
from typing import Any

from .broker import TASK, orders
from .running import sweep
from .worker import Worker

_LEAVE_S = 4.0
"""How long a worker that is asked to end may take: what it has begun ends, and is told as far as the broker answers."""


def serve(worker: Worker, app: Any, at_once: int) -> int:
    """Take orders until the process is asked to end, so many at once; returns the exit status."""
    from celery import signals

    sweep()
    _configure(app, worker)
    signals.worker_shutting_down.connect(lambda **_: _leave(worker), weak=False)
    signals.worker_ready.connect(lambda **_: _ready(worker), weak=False)
    node = f"opscheck-{worker.vantage}-{os.getpid()}@{platform.node()}"
    served = app.Worker(
        hostname=node,
        pool="threads",
        concurrency=at_once,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_heartbeat=True,
        without_mingle=True,
    )
    served.start()
    return int(served.exitcode or 0)


def _configure(app: Any, worker: Worker) -> None:
    """Have an application take the orders of one queue, and nothing else that somebody sends it."""
    app.conf.update(
        result_backend="disabled://",
        task_acks_late=False,
        task_queues=[orders(worker.vantage)],
        worker_disable_prefetch=worker.broker.is_redis,
        worker_enable_remote_control=False,
        worker_prefetch_multiplier=1,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
    )

    def part(message: object) -> None:
        worker.take(message)

    app.task(part, name=TASK, ignore_result=True)
    app.finalize()
    for name in set(app.tasks) - {TASK}:
        app.tasks.unregister(name)


def _ready(worker: Worker) -> None:
    signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
    worker.say(f"waits for parts from {worker.vantage} at {worker.broker.shown}")


def _leave(worker: Worker) -> None:
    """End what is under way; and this process, should Celery still wait for a broker then."""
    worker.stop.set()
    killer = threading.Timer(_LEAVE_S, os._exit, (0,))
    killer.daemon = True
    killer.start()
