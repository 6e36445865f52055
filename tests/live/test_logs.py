"""Log files as programs write them, counted by their own time stamps: red by lines that are too many, green again."""

from __future__ import annotations

import datetime as dt
import gzip
import logging
import os
import subprocess
import tempfile
import time
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_opscheck.probes import Output, UnknownError
from pytest_opscheck.probes.logs import Count, Log, count

from ..unit.probes.logs import log_files
from .conftest import Run
from .processes import free_port, program, running, wait_until

HOUR = dt.timedelta(hours=1)
FORMS: dict[str, Callable[[dt.datetime], str]] = {
    "iso": lambda moment: f"{moment:%Y-%m-%d %H:%M:%S},123",
    "iso_t": lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}.123",
    "iso_z": lambda moment: f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}.123456Z",
    "iso_offset": lambda moment: moment.astimezone(dt.timezone(dt.timedelta(hours=-5, minutes=-30))).isoformat(
        "T", "seconds"
    ),
    "iso_utc": lambda moment: f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}.123 UTC [77]",
    "slashes": lambda moment: f"{moment:%Y/%m/%d %H:%M:%S} [error]",
    "bracket": lambda moment: f"[{moment:%Y-%m-%d %H:%M:%S},123: ERROR/MainProcess]",
    "json": lambda moment: (
        f'{{"level": "error", "time": "{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}Z", "text": "x"}}'
    ),
    "nginx": lambda moment: (
        f"10.0.0.1 - - [{moment.astimezone(dt.timezone(dt.timedelta(hours=3))):%d/%b/%Y:%H:%M:%S %z}] GET /"
    ),
    "django_server": lambda moment: f'[{moment:%d/%b/%Y %H:%M:%S}] "GET / HTTP/1.1" 200',
    "redis": lambda moment: f"77:M {moment:%d %b %Y %H:%M:%S}.123 * Ready",
    "apache_error": lambda moment: f"[{moment:%a %b} {moment.day:2} {moment:%H:%M:%S}.123456 {moment:%Y}] [core:error]",
    "ctime": lambda moment: f"{moment:%a %b} {moment.day:2} {moment:%H:%M:%S %Y}:",
    "epoch": lambda moment: f"{moment.timestamp():.3f}    120 10.0.0.1 TCP_MISS/200",
    "epoch_ms": lambda moment: f"[{moment.timestamp() * 1000:.0f}]",
    "epoch_json": lambda moment: f'{{"level":"error","ts":{moment.timestamp():.5f},"logger":"http.log"}}',
    "syslog": lambda moment: f"{moment:%b} {moment.day:2} {moment:%H:%M:%S} host app[7]:",
}


def now() -> dt.datetime:
    return dt.datetime.now().astimezone()


def write(file: Path, *lines: str) -> Path:
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def counted(file: Path | str, window_s: int | None = 3600, **said: Any) -> Count:
    """Count in one file. Raises UnknownError where only bounds are known, too."""
    found = log_files.counted(file, window_s=window_s, **said)
    assert found.lines >= 0
    return found


def inventory(file: Path, expect: str = '"<= 2/h"', more: str = "") -> str:
    return f'[logs.app]\npath = "{file}"\n[logs.app.count.failed]\npattern = "login failed"\nexpect = {expect}\n{more}'


def test_lines_of_the_last_hour_are_red_and_green_again(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    handler = logging.FileHandler(file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("opscheck-live")
    logger.addHandler(handler)
    text = (
        inventory(file)
        + '[logs.app.count.all]\npattern = "LOGIN FAILED"\nignore = "by a test"\nignore_case = true\nexpect = 0\n'
    )
    logger.warning("started")
    outcome = run(text)
    assert outcome.verdict("logs.count.failed@app") == "ok"
    for _ in range(3):
        logger.error("login failed for x")
    logger.error("login failed by a test")
    outcome = run(text)
    assert outcome.verdict("logs.count.failed@app") == "breach P2"
    assert outcome.message("logs.count.failed@app") == f"lines with /login failed/ in {file} is 4/h, expected <= 2/h"
    assert outcome.message("logs.count.all@app") == f"lines with /LOGIN FAILED/ in {file} is 3, expected 0"
    handler.close()
    lines = [
        line.replace(f"{now():%Y-%m-%d}", f"{now() - 24 * HOUR:%Y-%m-%d}") for line in file.read_text().splitlines()
    ]
    write(file, *lines, f"{now():%Y-%m-%d %H:%M:%S},000 INFO all well")
    assert run(text).verdict("logs.count.failed@app") == "ok"


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_time_stamp_tells_what_is_in_the_window(tmp_path: Path, form: str) -> None:
    made = FORMS[form]
    minutes = (3000, 61, 59, 30, 1)
    file = write(tmp_path / "x.log", *(f"{made(now() - dt.timedelta(minutes=ago))} login failed" for ago in minutes))
    assert counted(file).lines == 3
    assert counted(file, 86400).lines == 4
    assert counted(file, 60 * 1).unit == "/min"
    assert counted(file, None).lines == 5


def test_a_line_without_a_stamp_belongs_to_the_one_before_it(tmp_path: Path) -> None:
    old, new = FORMS["iso"](now() - 2 * HOUR), FORMS["iso"](now())
    file = write(
        tmp_path / "x.log",
        f"{old} error", "Traceback: failed", "  at 2031-01-01 00:00:00 failed",
        f"{new} error", "Traceback: failed", "  at 2001-01-01 00:00:00 failed", "  failed",
    )  # fmt: skip
    assert counted(file).lines == 3


def test_what_the_log_was_rotated_into_is_read_as_far_as_the_window_reaches(tmp_path: Path) -> None:
    file = write(tmp_path / "x.log", f"{FORMS['iso'](now())} failed")
    write(tmp_path / "x.log.1", *(f"{FORMS['iso'](now() - ago * HOUR)} failed" for ago in (30, 3, 2)))
    os.utime(tmp_path / "x.log.1", (time.time() - 7200,) * 2)
    (tmp_path / "x.log-20261119.gz").write_bytes(gzip.compress(f"{FORMS['iso'](now() - 20 * HOUR)} failed\n".encode()))
    ancient = write(tmp_path / "x.log.2", f"{FORMS['iso'](now())} failed")
    os.utime(ancient, (time.time() - 90000,) * 2)
    write(tmp_path / "x.logger", f"{FORMS['iso'](now())} failed")
    assert counted(file, 86400).lines == 4
    assert counted(tmp_path / "x.log*", 86400).lines == 6
    assert counted(file, None).lines == 1
    write(file)
    assert counted(file, 3600).lines == 0


def test_what_cant_be_told_is_unknown(tmp_path: Path) -> None:
    unstamped = write(tmp_path / "unstamped.log", "login failed")
    with pytest.raises(UnknownError, match="no line has a time stamp"):
        counted(unstamped)
    with pytest.raises(UnknownError, match="there is no such file"):
        counted(tmp_path / "missing.log")
    with pytest.raises(UnknownError, match="is a folder"):
        counted(tmp_path)
    with pytest.raises(UnknownError, match=r"Unmatched|parenthes"):
        counted(unstamped, None, pattern="(failed")
    (tmp_path / "broken.log.gz").write_bytes(gzip.compress(b"login failed\n" * 9)[:-9])
    with pytest.raises(UnknownError, match="could not be read to its end"):
        counted(tmp_path / "broken.log.gz", None)


def test_another_time_zone_is_noticed_and_can_be_said(tmp_path: Path) -> None:
    tokyo = dt.timezone(dt.timedelta(hours=9))
    lines = [f"{(now() - dt.timedelta(minutes=ago)).astimezone(tokyo):%Y-%m-%d %H:%M:%S} failed" for ago in (90, 30, 0)]
    east = write(tmp_path / "east.log", *lines)
    with pytest.raises(UnknownError, match="h after it was last written to; set the zone"):
        counted(east)
    assert counted(east, timezone="Asia/Tokyo").lines == 2
    york = zoneinfo.ZoneInfo("America/New_York")
    lines = [f"{(now() - dt.timedelta(minutes=ago)).astimezone(york):%Y-%m-%d %H:%M:%S} failed" for ago in (90, 30, 0)]
    assert counted(write(tmp_path / "york.log", *lines), timezone="America/New_York").lines == 2
    west = write(tmp_path / "west.log", f"{now() - 3 * HOUR:%Y-%m-%d %H:%M:%S} failed")
    with pytest.raises(UnknownError, match=r"3\.0 h before it was last written to"):
        counted(west)


def test_a_file_or_folder_out_of_sight_is_unknown_and_named() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        file = write(folder / "hidden.log", "failed")
        assert count.shell is not None
        params = count.params.model_validate({"pattern": "failed", "zone": dt.UTC}).model_dump()
        for path, hidden in (
            (file, file),
            (folder / "in" / "x.log", folder / "in"),
            (folder / "in" / "*.log", folder / "in"),
        ):
            hidden.mkdir(exist_ok=True) if hidden.name == "in" else None
            hidden.chmod(0o000)
            part = count.shell.part(Log(path=(str(path),)), 10.0, params)
            user = "nobody" if os.geteuid() == 0 else None
            done = subprocess.run(
                ["sh", "-c", part.script, "opscheck", *part.args],
                capture_output=True,
                text=True,
                user=user,
                cwd="/",
                check=False,
            )
            with pytest.raises(UnknownError, match=f"no permission to read {hidden}; .*setfacl"):
                count.shell.parse(Output(done.stdout, done.stderr, done.returncode), **params)
            hidden.chmod(0o700)


def test_patterns_and_zones_that_cant_be_meant_are_errors_of_the_inventory(run: Run, tmp_path: Path) -> None:
    text = inventory(tmp_path / "x.log").replace("login failed", r"status=5\\d\\d")
    outcome = run(text)
    assert outcome.exit_status == 4
    assert r"\d is none of an extended regular expression" in outcome.output
    outcome = run('[logs.app]\npath = "app.log"\ntimezone = "Mars"\n[logs.app.count.x]\npattern = "x"\nexpect = 0\n')
    assert "'app.log' is not an absolute path" in outcome.output
    assert "unknown time zone 'Mars'" in outcome.output


def test_nginx_writes_what_is_counted(run: Run, tmp_path: Path) -> None:
    port = free_port()
    access = tmp_path / "access.log"
    config = write(
        tmp_path / "nginx.conf",
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}",
        f"http {{ access_log {access}; client_body_temp_path {tmp_path}/t1; proxy_temp_path {tmp_path}/t2; "
        f"fastcgi_temp_path {tmp_path}/t3; uwsgi_temp_path {tmp_path}/t4; scgi_temp_path {tmp_path}/t5; "
        f"server {{ listen 127.0.0.1:{port}; location / {{ return 401; }} }} }}",
    )
    text = (
        inventory(access, '"< 3/h"').replace("login failed", '" (401|403) ').replace('""', "'\"").replace(') "', ") '")
    )
    with running([program("nginx"), "-c", str(config)], log=tmp_path / "nginx.log"):
        wait_until(lambda: asked(port) == 401, "nginx")
        assert run(text).verdict("logs.count.failed@app") == "ok"
        for _ in range(3):
            asked(port)
        assert run(text).verdict("logs.count.failed@app") == "breach P2"


def asked(port: int) -> int:
    import requests

    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=5).status_code
    except requests.ConnectionError:
        return 0


def test_lines_of_today_in_the_inventorys_time_zone(run: Run, tmp_path: Path) -> None:
    zone = zoneinfo.ZoneInfo("Pacific/Auckland")
    midnight = now().astimezone(zone).replace(hour=0, minute=0, second=0)
    before, after = (FORMS["iso_z"](midnight + dt.timedelta(seconds=more)) for more in (-1, 0))
    file = write(tmp_path / "x.log", f"{before} login failed", f"{after} login failed")
    text = '[opscheck]\ntimezone = "Pacific/Auckland"\n' + inventory(file, "0", 'since = "today"\n')
    outcome = run(text)
    assert outcome.verdict("logs.count.failed@app") == "breach P2"
    assert outcome.message("logs.count.failed@app") == f"lines with /login failed/ in {file} is 1, expected 0"
    write(file, f"{before} login failed", f"{after} all well")
    assert run(text).verdict("logs.count.failed@app") == "ok"
    outcome = run(text.replace("today", "yesterday"))
    assert outcome.exit_status == 4
    assert "'yesterday' is neither today nor a length of time; write for example 'today' or '30m'" in outcome.output
    outcome = run(text.replace("expect = 0", 'expect = "< 3/h"'))
    assert "a limit with a rate sets a window of its own" in outcome.output


def test_lines_of_the_last_half_hour(run: Run, tmp_path: Path) -> None:
    ages = [FORMS["iso"](now() - dt.timedelta(minutes=ago)) for ago in (31, 25)]
    file = write(tmp_path / "x.log", *(f"{stamp} login failed" for stamp in ages))
    text = inventory(file, '"< 1"', 'since = "30m"\n')
    outcome = run(text)
    assert outcome.message("logs.count.failed@app") == f"lines with /login failed/ in {file} is 1, expected < 1"
    write(file, f"{ages[0]} login failed", f"{ages[1]} all well")
    assert run(text).verdict("logs.count.failed@app") == "ok"


@pytest.mark.parametrize("said", [{"window_s": 3600}, {"window_s": None}, {"window_s": None, "since": "today"}])
def test_a_gate_counts_nothing_from_before_the_deploy(tmp_path: Path, said: dict[str, Any]) -> None:
    stamps = [FORMS["iso"](now() - dt.timedelta(seconds=ago)) for ago in (90, 60, 1)]
    file = write(tmp_path / "x.log", *(f"{stamp} login failed" for stamp in stamps))
    assert counted(file, **said, not_before=time.time() - 30).lines == 1


def test_several_files_of_which_each_has_to_be_there(run: Run, tmp_path: Path) -> None:
    stamp = FORMS["iso"](now())
    files = [write(tmp_path / name, f"{stamp} login failed") for name in ("app:web.log", "app worker.log")]
    write(tmp_path / "app:web-20261120.log", f"{stamp} login failed")
    paths = ", ".join(f'"{file}"' for file in files)
    text = inventory(files[0], '"< 3/h"').replace(f'path = "{files[0]}"', f"path = [{paths}]")
    outcome = run(text)
    assert outcome.verdict("logs.count.failed@app") == "breach P2"
    said = f"{files[0]}, {files[1]} is 3/h, expected < 3/h"
    assert outcome.message("logs.count.failed@app") == f"lines with /login failed/ in {said}"
    write(files[1], f"{stamp} all well")
    assert run(text).verdict("logs.count.failed@app") == "ok"
    files[1].unlink()
    outcome = run(text)
    assert outcome.verdict("logs.count.failed@app") == "unknown P2"
    assert f"{files[1]}: there is no such file; look for it: ls -l {tmp_path}" in outcome.message(
        "logs.count.failed@app"
    )
    outcome = run('[logs.app]\n[logs.app.count.x]\npattern = "x"\nexpect = 0\n')
    assert outcome.exit_status == 4
    assert 'either path = "/var/log/app.log" or journal = "app-web"' in outcome.output


def test_an_unknown_form_is_shown_without_what_it_says(tmp_path: Path) -> None:
    file = write(tmp_path / "x.log", "Friday 9:15 secret=hunter2 é failed")
    with pytest.raises(UnknownError, match="line 1 begins with 'xxxxxx 9:15 xxxxxx=xxxxxx9") as caught:
        counted(file)
    assert "hunter" not in str(caught.value)


def test_the_count_runs_in_busybox_alone(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    subprocess.run([program("busybox"), "--install", "-s", str(tools)], check=True)
    assert count.shell is not None
    params = count.params.model_validate({"pattern": "failed", "window_s": 3600, "zone": dt.UTC}).model_dump()
    for form, made in FORMS.items():
        file = tmp_path / f"{form}.log"
        write(file, *(f"{made(now() - dt.timedelta(minutes=ago))} failed" for ago in (61, 59, 1)))
        older = (f"{made(now() - dt.timedelta(minutes=ago))} failed" for ago in (120, 58))
        file.with_name(f"{form}.log.2.gz").write_bytes(gzip.compress("\n".join(older).encode()))
        part = count.shell.part(Log(path=(str(file),)), 10.0, params)
        done = subprocess.run(
            [str(tools / "sh"), "-c", part.script, "opscheck", *part.args],
            env={"PATH": str(tools)},
            capture_output=True,
            text=True,
            check=False,
        )
        found = count.shell.parse(Output(done.stdout, done.stderr, done.returncode), **params)
        assert isinstance(found, Count)
        assert (form, found.lines) == (form, 3)


def test_bounds_are_judged_where_they_make_no_difference(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path / "x.log", "login failed", f"{FORMS['iso'](now())} all well")
    text = inventory(file, '"<= 1/h"')
    for name, limit in (("none", "== 0/h"), ("some", ">= 1/h"), ("exact", "!= 1/h"), ("many", ">= 2/h")):
        text += f'[logs.app.count.{name}]\npattern = "login failed"\nexpect = "{limit}"\n'
    text += '[logs.app.count.alive]\npattern = "."\nexpect = ">= 1/h"\n'
    outcome = run(text)
    for name, verdict in (("failed", "ok"), ("alive", "ok"), ("many", "breach P2")):
        assert outcome.verdict(f"logs.count.{name}@app") == verdict
    for name in ("none", "some", "exact"):
        assert outcome.verdict(f"logs.count.{name}@app") == "unknown P2"
        said = outcome.message(f"logs.count.{name}@app")
        assert "before the first time stamp" in said
        assert said.count(str(file)) == 1
