"""Many checks with instant readings, four of this machine, and what the plugin costs where nothing is asked of it.

    python benchmarks/instant.py [--runs 5]

Bare pytest runs as many parametrized tests, once alone and once with as many reports; `-p no:opscheck` is pytest
without the plugin.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from _measure import Contender, measure, pytest


def prepare(folder: Path, count: int) -> None:
    """Write a project with so many checks, and the same number of plain tests."""
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_bare.py").write_text(
        f"import pytest\n@pytest.mark.parametrize('number', range({count}))\n"
        "def test_plain(number):\n    assert number >= 0\n"
    )
    # A probe that needs no contact at all: what is timed is the plan, the board, the judge and the reports.
    (folder / "conftest.py").write_text(
        "from pytest_opscheck.probes import host\n\n@host.kind.probe()\ndef instant(target):\n    return 1\n"
    )
    (folder / "test_instant.py").write_text(
        "from pytest_opscheck import check, host\n\n"
        "@check(host.kind.probes['instant'], limit='< 2')\n"
        "def test_instant(instant, expect):\n    expect(instant)\n"
    )
    off = "expect = { reachable = false, disk = false, memory = false, load = false, cpu = '!= 50.001%' }\n"
    (folder / "opscheck.toml").write_text("".join(f"[host.h{number}]\n{off}" for number in range(count)))


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    bare = ("-p", "no:opscheck", "-p", "no:html", "-p", "no:metadata", "-p", "no:xdist", "-p", "no:testinfra")
    reports = ("-p", "no:opscheck", "--html=bare.html", "--self-contained-html", "--junitxml=bare.xml")
    with tempfile.TemporaryDirectory() as name:
        for count in (1000, 10000):
            folder = Path(name) / str(count)
            prepare(folder, count)
            print(f"{count} checks with instant readings")
            contenders = [
                Contender("bare pytest, as many plain tests", pytest("test_bare.py", *bare, "--noconftest")),
                Contender("bare pytest, HTML and JUnit reports", pytest("test_bare.py", *reports, "--noconftest")),
                Contender("pytest-opscheck", pytest("-m", "daily", "test_instant.py")),
            ]
            measure(contenders, runs if count == 1000 else 2, folder)
        folder = Path(name) / "host"
        prepare(folder, 4)
        (folder / "opscheck.toml").write_text("[host.local]\nexpect = { cpu = false }\n")
        print("one host, four checks: reachable, disk, memory, load")
        host = [
            Contender("plain pytest, four plain tests", pytest("test_bare.py", "-p", "no:opscheck", "--noconftest")),
            Contender("pytest-opscheck", pytest("-m", "daily", "--noconftest", "--ignore=test_instant.py"), (0, 1)),
        ]
        measure(host, 3 * runs, folder)
        folder = Path(name) / "idle"
        folder.mkdir()
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "test_one.py").write_text("def test_one():\n    pass\n")
        print("one plain test, no inventory in sight")
        idle = [
            Contender("without the plugin (-p no:opscheck)", pytest("-p", "no:opscheck")),
            Contender("with the plugin", pytest()),
        ]
        measure(idle, 4 * runs, folder)


if __name__ == "__main__":
    main()
