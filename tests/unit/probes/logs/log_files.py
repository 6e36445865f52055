"""Counts in log files through the script that a host runs, here with the shell and the tools of this machine."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_opscheck.probes import Output, UnknownError
from pytest_opscheck.probes.logs import Count, Log, count

HOUR = dt.timedelta(hours=1)


def now() -> dt.datetime:
    return dt.datetime.now().astimezone()


def ago(hours: float) -> dt.datetime:
    return now() - dt.timedelta(hours=hours)


def write(file: Path, *lines: str, end: str = "\n", written: dt.datetime | None = None) -> Path:
    file.write_bytes("".join(f"{line}{end}" for line in lines).encode())
    if written is not None:
        os.utime(file, (written.timestamp(),) * 2)
    return file


def counted(
    *paths: Path | str,
    window_s: int | None = 3600,
    timezone: str = "",
    stamp: str = "",
    shell: tuple[str, ...] = ("sh",),
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    **said: Any,
) -> Count:
    """Return what is counted. Raises UnknownError where that can't be told at all."""
    params = count.params.model_validate(
        {"pattern": "failed", "window_s": window_s, "zone": dt.UTC, **said}
    ).model_dump()
    target = Log(path=tuple(map(str, paths)), timezone=timezone, stamp=stamp)
    assert count.shell is not None
    part = count.shell.part(target, 20.0, params)
    done = subprocess.run(
        [*shell, "-c", part.script, "opscheck", *part.args],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=60,
        env=env,
        user=user,
        cwd="/",
    )
    found = count.shell.parse(Output(done.stdout, done.stderr, done.returncode), **params)
    assert isinstance(found, Count)
    return found


def told(*paths: Path | str, **said: Any) -> int | str:
    """Return the number of lines, or why it is not known."""
    try:
        return counted(*paths, **said).lines
    except UnknownError as error:
        return str(error)
