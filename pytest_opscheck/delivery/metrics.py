"""Brings a run's metrics to where the inventory says: a file for node_exporter, and a Pushgateway."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from ..core.results import Run
from ..core.secrets import without_password
from ..files import private
from ..inventory import Inventory
from ..reports.openmetrics import CONTENT_TYPE, text
from .destination import Destination, Finished
from .http import sent

JOB = "opscheck"
_PLAIN_NAME = 0o644
"""node_exporter reads the file as another user."""


class Exported(Destination):
    """The metrics of a whole run, where the inventory says."""

    task = "export the metrics"

    def send(self, finished: Finished) -> list[str]:
        """Write and push them."""
        return [] if finished.run.narrowed else list(exported(finished.run, finished.inventory))


def exported(run: Run, inventory: Inventory) -> Iterator[str]:
    """Write and push the metrics of a run of suites; yields what is wrong with that, a line each."""
    metrics = inventory.metrics
    if run.suite is None:
        return
    suite = inventory.suites.get(run.suite)
    content = text(run, suite.schedule if suite is not None else None).encode("utf-8", "backslashreplace")
    if metrics.textfile is not None:
        try:
            write(content, file_of(metrics.textfile, run.suite))
        except OSError as error:
            reason = ": ".join(str(part) for part in (error.filename, error.strerror) if part)
            yield f"could not write the metrics: {reason or error}; see the textfile of [report.metrics]"
    if metrics.push is not None:
        fault, _ = sent("PUT", address(metrics.push, run), content, CONTENT_TYPE)
        if fault:
            yield inventory.redactor.text(f"could not push the metrics to {without_password(metrics.push)}: {fault}")


def file_of(named: Path, suite: str) -> Path:
    """Return a suite's own file: of opscheck.prom, opscheck-daily.prom, for a run knows only its own suite."""
    return named.with_name(f"{named.stem}-{suite}{named.suffix}")


def write(content: bytes, file: Path) -> None:
    """Write a file at once and whole: node_exporter may read it at any time. Its folder has to be there."""
    with private.draft(file) as draft:
        draft.write_bytes(content)
        draft.chmod(_PLAIN_NAME)


def address(push: str, run: Run) -> str:
    """Return where a run's metrics are put: in the place of those of the suite's last run, from whatever machine.

    A machine's name is not part of it: that of a container is another each time, and nothing removes an old group.
    """
    parts = urlsplit(push)
    group = f"/metrics/job/{JOB}{_label('inventory', run.inventory)}{_label('suite', run.suite or '')}"
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + group, parts.query, ""))


def _label(name: str, value: str) -> str:
    """Return a label as the Pushgateway has it in an address; base64 where a slash or nothing would end it early."""
    if value and "/" not in value:
        return f"/{name}/{quote(value, safe='')}"
    return f"/{name}@base64/{base64.urlsafe_b64encode(value.encode()).decode() or '='}"
