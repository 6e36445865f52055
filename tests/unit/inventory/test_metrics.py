"""The table [report.metrics]: where metrics go, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Errors, Read

HOST = "[host.a]\n"


def test_where_metrics_go(read: Read, tmp_path: Path) -> None:
    said = '[report.metrics]\ntextfile = "out/a.prom"\npush = "${PUSH}"\n'
    inventory = read(said + HOST, {"PUSH": "https://ops:Canary-9@push:9091"})
    assert inventory.metrics.textfile == tmp_path / "out/a.prom"
    assert inventory.metrics.push == "https://ops:Canary-9@push:9091"
    assert "Canary" not in repr(inventory.metrics)
    assert inventory.metrics
    assert not read(HOST).metrics


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("report = 5", "1: report: it must be a table: [report]"),
        ("[report.metric]", "1: report.metric: unknown key; did you mean 'metrics'?"),
        ("[report]\nmetrics = 5", "2: report.metrics: it must be a table: [report.metrics]"),
        ("[report.metrics]", "1: report.metrics: it names no destination; add textfile or push"),
        ("[report.metrics]\nfile = 'x.prom'", "2: report.metrics.file: unknown key; did you mean 'textfile'?"),
        (
            "[report.metrics]\ntextfile = '/x/opscheck.txt'",
            "2: report.metrics.textfile: node_exporter does not read that file",
        ),
        ("[report.metrics]\ntextfile = 5", "2: report.metrics.textfile: node_exporter does not read that file"),
        (
            "[report.metrics]\npush = 'push:9091'",
            "2: report.metrics.push: it is not the address of a Pushgateway",
        ),
        ("[report.metrics]\npush = 'http://push:x'", "2: report.metrics.push: it is not the address"),
    ],
)
def test_what_can_not_be_meant(errors: Errors, said: str, error: str) -> None:
    [found] = errors(f"{said}\n{HOST}")
    assert found.startswith(error)
