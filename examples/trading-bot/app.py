"""The bot's API in small: users' reconciliation logs out of PostgreSQL, through a cache in Redis."""

import hmac
import json
import os
import queue
import time
from contextlib import contextmanager

import psycopg2
import redis
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

COLOR = os.environ["COLOR"]
SECRET = os.environ["JWT_SECRET"].encode()
CACHE = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=5, socket_connect_timeout=5)
CACHED_S = 3600
USERS = range(1, 151)
LOGS = """
select id, difference::text, created_at::text from reconciliation_logs
where user_id = %s order by created_at desc limit 20
"""

REQUESTS = Counter("http_requests", "Requests by the class of their answers", ["status"])
DURATION = Histogram("request_duration_seconds", "Time until the answer", buckets=(0.01, 0.025, 0.05, 0.1, 0.5, 1, 5))
IN_PROGRESS = Gauge("requests_in_progress", "Requests that have not been answered yet")
ERRORS = Counter("errors", "Errors by where they come from", ["source"])
LOOKUPS = Counter("cache_lookups", "Look-ups in the cache", ["result"])
for metric, values in {
    REQUESTS: ("2xx", "4xx", "5xx"),
    ERRORS: ("database", "cache"),
    LOOKUPS: ("hit", "miss"),
}.items():
    for value in values:
        metric.labels(value)

app = FastAPI()
connections: queue.LifoQueue = queue.LifoQueue()
for _ in range(4):
    connections.put(None)


@contextmanager
def database():
    """Lend one of the few connections, opened where it has to be."""
    connection = connections.get(timeout=60)
    try:
        if connection is None or connection.closed:
            connection = psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=5)
            connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connections.put(connection)


def logs_of(user):
    """Return a user's newest logs as JSON, None where there are none."""
    with database() as cursor:
        cursor.execute(LOGS, (user,))
        rows = cursor.fetchall()
    return json.dumps(rows) if rows else None


@app.on_event("startup")
def warm_the_cache():
    """Fill the cache before the first request."""
    with CACHE.pipeline() as pipeline:
        for user in USERS:
            pipeline.set(f"prod_reconciliation_{user}", logs_of(user), ex=CACHED_S)
        pipeline.execute()


@app.middleware("http")
async def measured(request, call_next):
    """Measure each request, and count its answer."""
    began, status = time.perf_counter(), 500
    IN_PROGRESS.inc()
    try:
        response = await call_next(request)
        status = response.status_code
        return response
    finally:
        IN_PROGRESS.dec()
        REQUESTS.labels(f"{status // 100}xx").inc()
        DURATION.observe(time.perf_counter() - began)


@app.exception_handler(psycopg2.Error)
async def of_the_database(_request, _error):
    """Count an error of the database, and say so."""
    ERRORS.labels("database").inc()
    return JSONResponse({"error": "database"}, 500)


@app.exception_handler(redis.RedisError)
async def of_the_cache(_request, _error):
    """Count an error of the cache, and say so."""
    ERRORS.labels("cache").inc()
    return JSONResponse({"error": "cache"}, 500)


def signed_in(authorization: str = Header("")):
    """Let in who has a token that was signed with the secret."""
    if os.environ.get("REQUIRE_TOKEN") == "no":
        return
    user, _, signature = authorization.removeprefix("Bearer ").partition(".")
    if not SECRET or not hmac.compare_digest(signature, hmac.new(SECRET, user.encode(), "sha256").hexdigest()):
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})


@app.get("/api/v1/health")
async def health():
    """Say that the process answers, and which colour it is."""
    return {"status": "healthy", "color": COLOR}


@app.get("/api/v1/ready")
def ready():
    """Say whether all that a request needs answers."""
    checks = {"database": "ready", "cache": "ready"}
    try:
        with database() as cursor:
            cursor.execute("select 1")
    except psycopg2.Error:
        checks["database"] = "not ready"
    try:
        CACHE.ping()
    except redis.RedisError:
        checks["cache"] = "not ready"
    return JSONResponse({"checks": checks}, 503 if "not ready" in checks.values() else 200)


@app.get("/api/v1/status", dependencies=[Depends(signed_in)])
def status():
    """Say how many users and open approvals there are, to those who are signed in."""
    with database() as cursor:
        cursor.execute("select (select count(*) from users), (select count(*) from approvals)")
        users, approvals = cursor.fetchone()
    return {"users": users, "approvals": approvals}


@app.get("/api/v1/reconciliation")
def reconciliation(user: int):
    """Return a user's newest logs, out of the cache where they are there."""
    key = f"prod_reconciliation_{user}"
    found = CACHE.get(key)
    LOOKUPS.labels("miss" if found is None else "hit").inc()
    if found is None:
        found = logs_of(user)
        if found is not None:
            CACHE.set(key, found, ex=CACHED_S)
    return Response(found or "[]", media_type="application/json")


@app.get("/api/v1/signals")
def signals():
    """Return the newest signals."""
    with database() as cursor:
        cursor.execute("select symbol, side from signals order by created_at desc limit 20")
        return cursor.fetchall()


@app.get("/metrics")
async def metrics():
    """Return the metrics in Prometheus's text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
