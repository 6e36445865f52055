"""The web application: its engines, their jobs, and what it says of itself under /api/monitoring."""

import contextlib
import os
import time
from pathlib import Path

from database import Error, rows
from flask import Flask, abort, g, request

RELEASE = Path(__file__).resolve().parent.name
ROLES = {os.environ[f"{role}_TOKEN"]: role.lower() for role in ("MONITORING", "INTAKE", "ADMIN")}
WINDOW = os.environ.get("SLO_WINDOW", "1 hour")

app = Flask(__name__)


@app.before_request
def begin():
    g.began = time.monotonic()


@app.after_request
def note(response):
    """Note how each request ended: the service levels are made of that."""
    with contextlib.suppress(Error):
        took = 1000 * (time.monotonic() - g.began)
        rows("insert into requests (status, ms) values (%s, %s)", response.status_code, took)
    return response


def only(*roles):
    """Refuse who has none of these roles, and note that they were."""
    role = ROLES.get(request.headers.get("Authorization", "").removeprefix("Bearer "), "nobody")
    if role not in roles:
        rows("insert into audit (action, who, path) values ('rbac_denied', %s, %s)", role, request.path)
        abort(403)


@app.get("/")
def home():
    return {"name": "analytics", "release": RELEASE}


@app.get("/api/engines")
def engines():
    return {"engines": rows("select name, jobs, newest from engines order by name")}


@app.post("/api/jobs")
def new_job():
    only("intake")
    job = request.get_json()
    return rows("insert into jobs (engine, value) values (%s, %s) returning id", job["engine"], job["value"])[0], 201


@app.get("/api/admin/users")
def users():
    only("admin")
    return {"users": sorted(ROLES.values())}


@app.get("/api/monitoring/slo")
def slo():
    only("monitoring")
    levels = """
        select (select 100 * avg(up::int) from probes where at > now() - %s::interval) as availability,
               percentile_disc(0.95) within group (order by ms) as p95_ms,
               100 * avg((status >= 500)::int) as error_rate
        from requests where at > now() - %s::interval"""
    found = rows(levels, WINDOW, WINDOW)[0]
    return {name: None if value is None else round(float(value), 2) for name, value in found.items()}


@app.get("/api/monitoring/alerts")
def alerts():
    only("monitoring")
    return {"alerts": rows("select name, raised_at from alerts where ended_at is null order by raised_at")}


@app.get("/api/monitoring/audit")
def audit():
    only("monitoring")
    recent = "select at, action, who, path from audit where action = %s and at > now() - interval '1 hour' order by at"
    return {"entries": rows(recent, request.args["action"])}
