"""Whatever answers in an engine's place: a run stays small, ends in time, and says what came and what to do."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from .conftest import Outcome
from .engines import BLOCK, FOREVER, HUGE, Answer, engine, head, packed, started, whole
from .memory import peak_mb

MOST_MB = 150
ENGINE = "is that a Docker engine?"
LOG = "see the engine's log (journalctl -u docker)"
LATE = "no answer within 3 s; find out what slows it down (systemctl status docker)"
HEAD = f"its head is longer than the 0.1 MB that is read; {ENGINE}"
LONG = f"its answer to /version is longer than the 4 MB that are read; {ENGINE}"
TLS = "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"
CHUNKED = head("Transfer-Encoding: chunked\r\n")

VERSIONS: Mapping[str, tuple[Answer, str]] = {
    "huge": (HUGE, LONG),
    "chunks": (started(CHUNKED, b"10000\r\n" + BLOCK + b"\r\n", FOREVER), LONG),
    "packed": (packed, LONG),
    "headers": (started(head("")[:-2], b"X-Some: field\r\n" * 1000, FOREVER), HEAD),
    "header": (started(b"HTTP/1.1 200 OK\r\nX-Some: ", BLOCK, FOREVER), HEAD),
    "interim": (started(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, FOREVER), HEAD),
    "redirect": (
        started(head("Location: /other\r\nContent-Length: 300000000\r\n", "302 Found"), BLOCK, 4000),
        f"with status 302: '{'x' * 197}...'; {ENGINE}",
    ),
    "values": (whole(b"[" + b"{}," * 1_300_000 + b"{}]"), f"of more than the 266667 values that are read; {ENGINE}"),
    "nested": (whole(b"[" * 100_000), f"is not JSON: it begins with '{'[' * 77}...'; {ENGINE}"),
    "drips": (started(head("Content-Length: 1000\r\n"), b"x", FOREVER, 0.1), LATE),
    "drips-head": (started(b"HTTP/1.1 200 OK\r\nX: ", b"x", FOREVER, 0.1), LATE),
    "drips-chunk": (started(CHUNKED, b"1;", FOREVER, 0.1), LATE),
    "hangs": (started(b"", b"", FOREVER, 0.1), LATE),
    "garbage": (started(b"\x07\x1b[2Jgarbage\n\n"), f"what answers there does not speak HTTP; {ENGINE}"),
    "no-json": (whole(b"\x1b[2J<html>"), f"is not JSON: it begins with '\\x1b[2J<html>'; {ENGINE}"),
    "nothing": (whole(b""), f"its answer to /version is empty; {ENGINE}"),
    "half": (started(head("Content-Length: 1000\r\n") + b"{"), f"ended in the middle of the body; {LOG}"),
    "closes": (started(b""), f"was closed before an answer came; {LOG} (at each of 3 attempts)"),
    "other": (whole(b"{}"), f"is not what a Docker engine says (KeyError 'ApiVersion'); {ENGINE}"),
    "fails": (
        whole(b"all is lost " * 9999, "500 Oh"),
        f"/version with status 500: '{('all is lost ' * 17)[:197]}...'; {LOG}",
    ),
    "missing": (whole(b"", "404 Not Found"), f"it answers /version with status 404; {ENGINE}"),
    "go-tls": (
        whole(b"Client sent an HTTP request to an HTTPS server.", "400 Bad Request"),
        f"with status 400: 'Client sent an HTTP request to an HTTPS server.'; {TLS}",
    ),
    "alert": (started(b"\x15\x03\x03\x00\x02\x02\x28"), f"what answers there speaks TLS; {TLS}"),
}


def run(folder: Path, inventory: str, suite: str) -> tuple[Outcome, float]:
    """Run a suite; return what it left, and how much memory it took at its peak."""
    (folder / "opscheck.toml").write_text(inventory, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", suite]
    done, peak = peak_mb(command, folder)
    (latest,) = folder.glob("reports/*/2*.json")
    results = {result["id"]: result for result in json.loads(latest.read_text(encoding="utf-8"))["results"]}
    return Outcome(done.returncode, done.stdout + done.stderr, results), peak


def target(name: str, url: str, *expects: str) -> str:
    off = {"up", "healthy", "errors", "restarts", "memory", "oom_killed"} - {each.partition(" ")[0] for each in expects}
    said = "\n".join((*expects, *(f"{each} = false" for each in sorted(off))))
    return f'[docker.{name}]\nurl = "{url}"\nnames = ["c1"]\n[docker.{name}.expect]\n{said}\n'


@pytest.mark.parametrize("way", ["unix", "tcp"])
def test_whatever_answers_who_it_is(tmp_path: Path, way: str) -> None:
    with contextlib.ExitStack() as stack:
        inventory = ""
        for number, (name, (answer, _)) in enumerate(VERSIONS.items()):
            file = tmp_path / f"{number}.sock" if way == "unix" else None
            url = stack.enter_context(engine({"/version": answer}, file))
            inventory += target(name, url, 'reachable = { timeout = "3s" }')
        if way == "tcp":
            inventory += target("plain", stack.enter_context(engine({})).replace("tcp:", "https:"))
        outcome, peak = run(tmp_path, inventory, "smoke")
    said = {name: message for name, (_, message) in VERSIONS.items()}
    if way == "tcp":
        said["plain"] = "what answers there does not speak TLS; unset DOCKER_TLS_VERIFY, or name the port that does"
    found = {name: outcome.message(f"docker.reachable@{name}") for name in said}
    assert not {name: message for name, message in found.items() if not message.endswith(said[name])}
    assert {outcome.verdict(f"docker.reachable@{name}") for name in said} == {"breach P0"}
    assert peak < MOST_MB


FRAME = b"\x01\0\0\0" + (16384).to_bytes(4, "big") + b"x" * 16384
LATER: Mapping[str, tuple[str, Answer, tuple[str, ...], str, str]] = {
    "info": ("/info", HUGE, ("oom_killed = true",), "oom_killed", "/info is longer than the 4 MB that are read"),
    "events": ("/events?since", HUGE, ("oom_killed = true",), "oom_killed", "docker events --since 24h"),
    "inspect": ("/containers/c1/json", HUGE, ("up = true",), "up", "/c1/json is longer than the 0.5 MB that are read"),
    "shape": ("/containers/c1/json", whole(b"[1]"), ("up = true",), "up", "what a Docker engine says (TypeError"),
    "stats": ("/containers/c1/stats", HUGE, ("memory = true",), "memory", "longer than the 0.5 MB that are read"),
    "df": ("/system/df", HUGE, ('disk = "< 1TB"',), "disk", "prune what it keeps (docker system prune)"),
    "df-slow": (
        "/system/df",
        started(head("Connection: close\r\n") + b"{}", b" ", FOREVER, 0.1),
        ('disk = { P1 = "< 1TB", timeout = "3s" }',),
        "disk",
        "the engine did not answer within 3 s; give it a longer `timeout`",
    ),
    "events-slow": (
        "/events?since",
        started(head("Connection: close\r\n"), b"\n", FOREVER, 0.1),
        ("oom_killed = true",),
        "oom_killed",
        LATE.replace("3 s", "10 s"),
    ),
    "log-huge": (
        "/containers/c1/logs",
        started(head("Connection: close\r\n"), FRAME * 8, 1_000_000_000 // len(FRAME * 8)),
        ('errors = "< 1/day"',),
        "errors",
        "ok",
    ),
    "log-frame": (
        "/containers/c1/logs",
        started(head("") + b"\x01\0\0\0\xff\xff\xff\xff", BLOCK, 4000),
        ('errors = "< 1/day"',),
        "errors",
        "the engine's stream is garbled",
    ),
    "log-endless": (
        "/containers/c1/logs",
        started(head(""), b"\x01\0\0\0\0\0\0\x06fine.\n" * 1000, FOREVER),
        ('errors = { P2 = "< 1/day", timeout = "2s" }',),
        "errors",
        "it did not end within 2 s; set a longer `timeout`, or a shorter time for the lines",
    ),
    "log-fails": (
        "/containers/c1/logs",
        started(head("", "500 Oh"), BLOCK, 4000),
        ('errors = "< 1/day"',),
        "errors",
        "xxx...",
    ),
}
EXEC = '[docker.NAME.exec.any]\nservice = "c1"\nrun = "true"\ntimeout = "4s"\n'
EXECS: Mapping[str, tuple[Answer, str]] = {
    "exec-huge": (started(head(""), FRAME, FOREVER), "it printed more than is read"),
    "exec-frame": (started(head("") + b"\x01\0\0\0\xff\xff\xff\xff", BLOCK, 4000), "the engine's stream is garbled"),
    "exec-drips": (started(head(""), b"\x01\0\0\0\0\0\0\x01x", FOREVER, 0.1), "the engine said no more within 4 s"),
    "exec-fails": (started(head("", "500 Oh"), BLOCK, 4000), LOG),
}


def test_whatever_is_answered_later(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        inventory = ""
        for name, (path, answer, expects, _, _) in LATER.items():
            inventory += target(name, stack.enter_context(engine({path: answer})), *expects)
        for name, (answer, _) in EXECS.items():
            inventory += target(name, stack.enter_context(engine({"/exec/e1/start": answer})))
            inventory += EXEC.replace("NAME", name)
        outcome, peak = run(tmp_path, inventory, "daily or weekly")
    wanted = {f"docker.{check}@{name}": said for name, (*_, check, said) in LATER.items()}
    wanted |= {f"docker.exec.any@{name}": said for name, (_, said) in EXECS.items()}
    wanted.pop("docker.errors@log-huge")
    assert not {each: outcome.message(each) for each, said in wanted.items() if said not in outcome.message(each)}
    assert {outcome[each]["verdict"] for each in wanted} == {"unknown"}
    assert outcome.verdict("docker.errors@log-huge") == "ok"
    assert peak < MOST_MB
