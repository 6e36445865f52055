"""The worker: reconciles a user's positions with the exchange's."""

import os
import sys

from celery import Celery

if os.environ["FAULT"] == "worker":
    sys.exit("ERROR: no such module: strategies")

app = Celery("bot", broker=os.environ["BROKER_URL"])


@app.task(name="reconcile")
def reconcile(user):
    """Compare."""
    return user
