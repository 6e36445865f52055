"""A build of the trading bot: version VERSION, of which something is wrong where FAULT names it (faults.py)."""

import os
import random
import time

import faults
from bot import app, database
from fastapi import HTTPException

VERSION = os.environ["VERSION"]
SIGNALS = {
    "1.4": "select symbol, side from signals order by created_at desc limit 20",
    "1.5": "select symbol, side, strength from signals order by created_at desc limit 20",
}

app.router.routes = [route for route in app.router.routes if getattr(route, "path", "") != "/api/v1/signals"]


@app.middleware("http")
async def versioned(request, call_next):
    """Have each answer say which version gave it."""
    response = await call_next(request)
    response.headers["X-Version"] = VERSION
    return response


@app.get("/version")
async def version():
    """Say which version answers."""
    return {"version": VERSION}


@app.get("/api/v1/signals")
def signals():
    """Return the newest signals; from 1.5 on with their strength, which a migration adds."""
    with database() as cursor:
        cursor.execute(SIGNALS[VERSION])
        return cursor.fetchall()


@app.get("/api/v1/portfolio")
def portfolio(user: int):
    """Return a user's positions, with what the exchange says they are worth: it takes its time."""
    with database() as cursor:
        cursor.execute("select symbol, quantity from positions where user_id = %s", (user,))
        rows = cursor.fetchall()
    time.sleep(random.lognormvariate(-3.7, float(os.environ.get("SPREAD", "0.5"))))
    return rows


@app.get("/api/v1/quote")
def quote():
    """Return a quote of the exchange, which refuses two of a hundred."""
    if random.random() < 0.02:
        raise HTTPException(502)
    return {"quote": 1.01}


faults.install(app, os.environ["FAULT"])
