"""Works through the jobs, asks the web application how it is, and raises alerts."""

import json
import logging
import os
import ssl
import time
import urllib.request
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from database import Error, rows

LONGEST_SILENCE = "5 seconds"
MOST_WAITING = 50
NEXT = "select id, engine, value from jobs where status = 'waiting' order by id limit 1 for update skip locked"
RULES = {
    "intake is silent": f"select max(created_at) < now() - interval '{LONGEST_SILENCE}' as broken from jobs",
    "jobs pile up": f"select count(*) > {MOST_WAITING} as broken from jobs where status = 'waiting'",
}

log = logging.getLogger("orchestrator")
trusted = ssl.create_default_context(cafile=os.environ["CA_FILE"])


def work():
    """Take one job after the other until none waits."""
    while taken := rows(f"update jobs set status = 'processing' from ({NEXT}) n where jobs.id = n.id returning n.*"):
        job = taken[0]
        counted = "update engines set jobs = jobs + 1, newest = %s where name = %s returning name"
        known = rows(counted, job["value"], job["engine"])
        if not known:
            log.error("job %s failed: there is no engine %r", job["id"], job["engine"])
        rows("update jobs set status = %s where id = %s", "done" if known else "failed", job["id"])


def probe():
    """Ask as a client would, and note whether there was an answer."""
    try:
        with urllib.request.urlopen(os.environ["PROBE_URL"], timeout=2, context=trusted) as answer:
            up = answer.status == HTTPStatus.OK
    except OSError:
        up = False
    rows("insert into probes (up) values (%s)", up)


def watch():
    """Raise the alerts whose rules are broken, end the others, and write a line of JSON for each."""
    raised = {alert["name"] for alert in rows("select name from alerts where ended_at is null")}
    for name, rule in RULES.items():
        broken = rows(rule)[0]["broken"]
        if broken and name not in raised:
            rows("insert into alerts (name) values (%s)", name)
            tell("raised", name)
        elif not broken and name in raised:
            rows("update alerts set ended_at = now() where name = %s and ended_at is null", name)
            tell("ended", name)


def tell(what, name):
    log.warning("alert %s: %s", what, name)
    with Path(os.environ["ALERTS_FILE"]).open("a", encoding="utf-8") as file:
        print(json.dumps({"at": f"{datetime.now(UTC):%FT%TZ}", "state": what, "name": name}), file=file)


def forget():
    """Remove what nobody will ask for any more."""
    for table in ("requests", "probes"):
        rows(f"delete from {table} where at < now() - interval '2 hours'")
    rows("delete from jobs where status = 'done' and created_at < now() - interval '5 minutes'")


def main():
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    rows("select 1")  # a unit that can't work is better not active
    log.info("ready")
    while True:
        try:
            for task in (probe, work, watch, forget):
                task()
        except Error as error:
            log.warning("will try again: %s", str(error).partition("\n")[0])
        time.sleep(0.5)


main()
