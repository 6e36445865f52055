"""The demo shop's Celery tasks. The worker finds its broker and its database in the environment."""

from __future__ import annotations

import os
import time

from celery import Celery

app = Celery("shop", broker=os.environ.get("BROKER_URL"))
app.conf.update(
    task_default_queue="default",
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    worker_send_task_events=False,
    beat_schedule={"confirm": {"task": "shop.confirm", "schedule": 10.0, "args": (1,)}},
)


@app.task(name="shop.confirm")  # type: ignore[untyped-decorator]
def confirm(job: int) -> None:
    """Mark a job as done."""
    if dsn := os.environ.get("SHOP_DATABASE_URL"):
        import psycopg

        with psycopg.connect(dsn, connect_timeout=5) as connection:
            connection.execute("update jobs set status = 'done' where id = %s", (job,))


@app.task(name="shop.report")  # type: ignore[untyped-decorator]
def report() -> None:
    """Take a minute, so that a queue can fill up behind it."""
    time.sleep(60)
