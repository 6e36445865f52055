"""Takes in what is to be analysed (here it is the machine's own load), and hands it to the web application as jobs."""

import json
import logging
import os
import time
import urllib.request
from pathlib import Path

log = logging.getLogger("intake")


def hand_in(value):
    """Hand in one value. Raises OSError where the application does not take it."""
    request = urllib.request.Request(
        "http://localhost:8080/api/jobs",
        data=json.dumps({"engine": "load", "value": value}).encode(),
        headers={"Authorization": f"Bearer {os.environ['INTAKE_TOKEN']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5):
        pass


def main():
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    log.info("ready")
    while True:
        try:
            hand_in(float(Path("/proc/loadavg").read_text().split()[0]))
        except OSError as error:
            log.warning("will try again: %s", error)
        time.sleep(0.5)


main()
