"""Exposes how much processor time the container's PostgreSQL has taken, for Prometheus."""

import os
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Database:
    """PostgreSQL's processes."""

    def collect(self):
        """Sum up what those that run have taken, with what they took that have ended."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:  # it has just ended
                continue
            name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
            # utime, stime, and the same of its children that have ended: see proc(5).
            ticks += sum(map(int, fields[11:15])) if name == "postgres" else 0
        yield CounterMetricFamily("database_cpu_seconds", "Processor time of PostgreSQL", value=ticks / TICKS_PER_S)


if __name__ == "__main__":
    registry = CollectorRegistry()
    registry.register(Database())
    start_http_server(9187, registry=registry)
    while True:
        time.sleep(3600)
