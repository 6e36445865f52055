"""Asks for portfolios and quotes, RATE times a second, as the traders' programs do."""

import contextlib
import itertools
import os
import sys
import time
import urllib.request

PATHS = itertools.cycle(["/api/v1/quote", "/api/v1/portfolio?user=7", "/api/v1/quote", "/api/v1/reconciliation?user=7"])
EVERY_S = 1 / float(os.environ["RATE"])

due = time.monotonic()
for path in PATHS:
    time.sleep(max(0.0, due - time.monotonic()))
    due += EVERY_S
    with contextlib.suppress(OSError), urllib.request.urlopen(sys.argv[1] + path, timeout=5) as answer:
        answer.read()
