"""Lists out of commands and from servers: whatever these do has an end, and the last known items are checked."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_opscheck import catalogue
from pytest_opscheck.inventory import Inventory, InventoryError, asking, load
from pytest_opscheck.inventory.asked import AS_A_RUN, OFFLINE, Asked, tell

from . import faults
from .web import Site, site

FLEET = """
[template.web]
kind = "http"
url = "http://{__host__}/"
[source.fleet]
WHERE
format = "prometheus"
template = "web"
name = "{__host__}"
at_least = 1
"""
GOOD = json.dumps([{"targets": ["web1:80", "web2:80"], "labels": {"path": "${HOME}"}}])
Read = Callable[..., Inventory]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read an inventory whose list is somewhere: read('command = ["x"]', asked)."""
    monkeypatch.chdir(tmp_path)

    def made(where: str, asked: Asked = AS_A_RUN, more: str = "", **environment: str) -> Inventory:
        (tmp_path / "opscheck.toml").write_text(FLEET.replace("WHERE", where) + more, encoding="utf-8")
        return load(tmp_path / "opscheck.toml", catalogue.checks(), environment, asked=asked)

    return made


@pytest.fixture
def server() -> Iterator[Site]:
    with site() as server:
        yield server


def names(inventory: Inventory) -> list[str]:
    return [target.name for target in inventory.of_kind("http")]


def command(script: str) -> str:
    return f"command = {json.dumps(['sh', '-euc', script])}"


def prints(text: str) -> str:
    return command(f"cat <<'END'\n{text}\nEND\n".replace("${", "$${"))


def problem(read: Read, where: str) -> str:
    """Return what is wrong with a list: an error as long as no run has known it, then what its result says."""
    with pytest.raises(InventoryError) as caught:
        read(where)
    assert "opscheck.toml:6: source.fleet." in str(caught.value)
    read(prints(GOOD))
    inventory = read(where)
    assert names(inventory) == ["web1", "web2"]
    [listed] = inventory.lists
    said = listed.source.state.problem or ""
    assert "the list as it was at 20" in said
    assert said.partition("; the list")[0] in str(caught.value)
    Path("reports/source-fleet.json").unlink()
    return said


def test_what_a_command_prints_is_a_list(read: Read, tmp_path: Path) -> None:
    """Its words are its own, with any braces; only variables of the inventory are filled in, and none in the reply."""
    script = (
        "test \"$1\" = secret; pwd > where; awk 'BEGIN {print}'; cat <<'END'\n" + GOOD.replace("${", "$${") + "\nEND\n"
    )
    inventory = read(f"command = {json.dumps(['sh', '-euc', script, '{name}', '${WORD}'])}", WORD="secret")
    assert names(inventory) == ["web1", "web2"]
    assert inventory.lists[0].members["web1"].fields["path"] == "${HOME}"
    assert (tmp_path / "where").read_text(encoding="utf-8").strip() == str(tmp_path)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo oh no >&2; exit 3", "sh ended with exit status 3: oh no"),
        ("kill -9 $$", "sh was ended by SIGKILL"),
        ("sleep 60", "sh did not end within 0.5 s"),
        ("exec yes", "sh printed more than the 0.1 MB that are read"),
        ("exec yes >&2", "sh did not end within 0.5 s"),
        ("echo '<html>'", "sh: it is a text that is not JSON"),
        ("true", "sh: it is an empty body"),
        ("echo '[]'", "sh: it has no items"),
        ("exec 1>&- 2>&-; sleep 60", "sh did not end within 0.5 s"),
    ],
)
def test_a_command_that_fails(read: Read, monkeypatch: pytest.MonkeyPatch, script: str, said: str) -> None:
    monkeypatch.setattr(asking, "LONGEST_S", 0.5)
    monkeypatch.setattr(asking, "MOST_BYTES", 100_000)
    assert problem(read, command(script)).startswith(said)


def running(word: str) -> list[str]:
    """Return the processes that have a word in their command line."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            continue
        found += [file.parent.name] if word.encode() in words else []
    return found


def test_what_a_command_has_started_ends_with_it(read: Read) -> None:
    """Also in the background, in sessions of its own, and with its output open; nobody waits for that."""
    word = f"{3600 + os.getpid() / 10_000_000:.7f}"
    started = time.monotonic()
    script = f"sleep {word} & setsid sh -c 'sleep {word} & sleep {word}' & (setsid setsid sleep {word} &)\n"
    read(command(f"{script}cat <<'END'\n{GOOD}\nEND\n".replace("${", "$${")))
    assert time.monotonic() - started < asking.LONGEST_S / 2
    assert running(word) == []


def test_lists_are_asked_for_at_once(read: Read) -> None:
    """Each waits for the other one to have begun."""
    wait = "touch {0}; until test -e {1}; do sleep 0.02; done; cat <<'END'\n{2}\nEND\n"
    both = [wait.format(*order, GOOD).replace("${", "$${") for order in (("a", "b"), ("b", "a"))]
    other = '[source.other]\nformat = "prometheus"\nkind = "tcp"\naddress = "{__address__}"\nname = "{__host__}"\n'
    inventory = read(command(both[0]), more=f"{other}at_least = 1\n{command(both[1])}\n")
    assert [len(each.members) for each in inventory.lists] == [2, 2]


def test_a_list_of_a_server(read: Read, server: Site) -> None:
    """With a password, which is told nowhere."""
    server.page("/sd", GOOD, content_type="application/json")
    where = f'url = "{server.url.replace("//", "//sd:${PASSWORD}@")}/sd"'
    inventory = read(where, PASSWORD="hunter2-hunter2")
    assert names(inventory) == ["web1", "web2"]
    assert server.seen[0][2]["authorization"].startswith("Basic ")
    server.page("/sd", "no", status=503)
    said = read(where, PASSWORD="hunter2-hunter2").lists[0].source.state.problem or ""
    assert said.startswith(f"{server.url}/sd: its server answers 503")
    assert "hunter2" not in inventory.redactor.text("it is hunter2-hunter2")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.closes, "the connection was closed"),
        (faults.garbage, ""),
        (faults.hangs, "no answer within 0.5 s"),
        (faults.drips, "within 0.5 s"),
    ],
)
def test_a_server_of_a_list_that_fails(
    read: Read, monkeypatch: pytest.MonkeyPatch, fault: faults.Fault, said: str
) -> None:
    monkeypatch.setattr(asking, "LONGEST_S", 0.5)
    with faults.serving(fault) as ports:
        assert said in problem(read, f'url = "http://127.0.0.1:{ports["http"]}/sd"')


def test_an_answer_that_is_no_list(read: Read, server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_BYTES", 100_000)
    monkeypatch.setattr(asking, "LONGEST_S", 0.8)
    server.page("/html", "<html>")
    server.page("/empty", "[]")
    server.page("/long", "[" + " " * 200_000 + "]")
    server.page("/away", "", status=302, Location="/html")
    server.dripping("/drips", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[")
    found = {path: problem(read, f'url = "{server.url}/{path}"') for path in ("html", "empty", "long", "away", "drips")}
    assert "it is a text that is not JSON" in found["html"]
    assert "it has no items" in found["empty"]
    assert "longer than the 0.1 MB" in found["long"]
    assert "it redirects to" in found["away"]
    assert "within 0.8 s" in found["drips"]
    assert all(said.startswith(f"{server.url}/{path}: ") for path, said in found.items())


def test_who_does_not_ask_knows_the_last_items_and_their_age(read: Read) -> None:
    """Nothing is run; where no run has read the list, nothing that may be about its items is refused."""
    waiver = '[[waiver]]\ncheck = "http.status"\ntarget = "web1"\nowner = "Kim"\nreason = "new"\nuntil = 2099-12-31\n'
    unread = read(prints(GOOD), OFFLINE, waiver)
    assert names(unread) == []
    assert unread.notes[-1].startswith(
        "source.fleet: no run has read this list yet, so its targets are not known here;"
    )
    read(prints(GOOD))
    known = read(command("touch asked; exit 1"), OFFLINE, waiver)
    assert names(known) == ["web1", "web2"]
    assert known.notes[-1].startswith("source.fleet: 2 items, as of 20")
    assert not Path("asked").exists()
    assert known.lists[0].source.state.problem is None


def test_a_run_resolves_once(read: Read, tmp_path: Path) -> None:
    """Its workers and the looks of a gate have the set that it found, in which something may be gone."""
    read(prints(GOOD))
    other = GOOD.replace("web2", "web3")
    run = read(prints(other))
    tell(run, tmp_path)
    part = read(prints(other), Asked(told_in=tmp_path))
    assert part.content == run.content
    assert names(part) == ["web1", "web3"]
    assert part.lists[0].source.state == run.lists[0].source.state
    assert list(part.lists[0].source.state.gone) == ["web2"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it is still running
def test_a_command_that_can_not_be_ended_is_not_waited_for(
    read: Read, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As what sudo runs, which belongs to somebody else."""
    monkeypatch.setattr(asking, "LONGEST_S", 0.5)
    monkeypatch.setattr(os, "kill", lambda *_: None)
    read(prints(GOOD))
    started = time.monotonic()
    inventory = read(command("echo $$ > pid; exec sleep 30"))
    assert time.monotonic() - started < 15
    assert "did not end within 0.5 s" in (inventory.lists[0].source.state.problem or "")
    monkeypatch.undo()
    os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), signal.SIGKILL)
