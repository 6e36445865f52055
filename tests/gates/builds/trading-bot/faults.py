"""What may be wrong with a build: each fault by the name that FAULT says."""

import asyncio
import itertools
import os
import random
import sys
import threading
import time

import psycopg2
from fastapi import Response

LEAKED = []
COUNT = itertools.count()


def install(app, name):
    """Make a fault part of the application."""
    if name in AT_START:
        AT_START[name]()
    elif name:
        app.middleware("http")(IN_REQUESTS[name])


def crash():
    """Miss what it needs."""
    sys.exit("ERROR: no such module: strategies")


def cold_start():
    """Load for 45 s before the first answer."""
    time.sleep(45)


def log_errors():
    """Log an error a second."""

    def log():
        while True:
            print("ERROR: the exchange's feed: unexpected end of document", file=sys.stderr, flush=True)
            time.sleep(1)

    threading.Thread(target=log, daemon=True).start()


def die_later():
    """End 3 min after the start."""
    threading.Timer(180, os._exit, [1]).start()


def open_to_all():
    """Let everybody in."""
    os.environ["REQUIRE_TOKEN"] = "no"


def uneven():
    """Have the exchange answer at once or late: the logarithm of its times has a spread of 1."""
    os.environ["SPREAD"] = "1"


async def one_path(request, call_next):
    """Fail on one path."""
    if request.url.path == "/api/v1/signals":
        raise RuntimeError(request.url.path)
    return await call_next(request)


async def some_requests(_request, call_next):
    """Fail in 5 of 100 requests."""
    return Response(status_code=500) if random.random() < 0.05 else await call_next(_request)


def slower(by, is_meant):
    """Take a part more time for those requests that are meant."""

    async def slowed(request, call_next):
        began = time.perf_counter()
        response = await call_next(request)
        if is_meant():
            await asyncio.sleep(by * (time.perf_counter() - began))
        return response

    return slowed


async def leak(request, call_next):
    """Open a connection for every twentieth quote of the traffic, and never close it."""
    if request.url.path == "/api/v1/quote" and next(COUNT) % 20 == 0:
        try:
            LEAKED.append(await asyncio.to_thread(psycopg2.connect, os.environ["DATABASE_URL"]))
        except psycopg2.OperationalError:
            return Response(status_code=500)
    return await call_next(request)


async def one_502(request, call_next):
    """Fail once, while the gate looks at it."""
    is_gate = request.headers.get("user-agent", "").startswith("pytest-opscheck")
    if is_gate and request.url.path == "/api/v1/signals" and next(COUNT) == 1:
        return Response(status_code=502, headers={"X-Version": os.environ["VERSION"]})
    return await call_next(request)


AT_START = {
    "crash": crash,
    "cold_start": cold_start,
    "log_errors": log_errors,
    "die_later": die_later,
    "open_to_all": open_to_all,
    "uneven": uneven,
}
IN_REQUESTS = {
    "one_path": one_path,
    "some_requests": some_requests,
    "slower": slower(0.4, lambda: True),
    "some_slow": slower(9, lambda: random.random() < 0.05),
    "cold_cache": slower(2, lambda: next(COUNT) < 30),
    "leak": leak,
    "one_502": one_502,
}
