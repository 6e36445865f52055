"""A host's script, run by this machine's `sh`: parts side by side, each with its own end, bound and exit status."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest

from pytest_opscheck.gather.host import HostConnection
from pytest_opscheck.gather.host_script import AT_ONCE, parse, script
from pytest_opscheck.probes import Output, Part, UnknownError, UnreachableError


@pytest.fixture
def here() -> HostConnection:
    return HostConnection("local://")


def test_a_part_says_what_it_printed_and_how_it_ended(here: HostConnection) -> None:
    """Lines stay lines: also the last one without an end, empty ones, and those that look like the script's own."""
    parts = [
        Part("echo one; echo; printf 'word 0 out =two'"),
        Part("echo oh >&2; exit 3"),
        Part('printf "%s|" "$@"', ("a b", "$HOME `id`", "'\"\\", "ä\n-n")),
        Part("true"),
    ]
    said, failed, words, nothing = here.run(parts)
    assert said.lines() == ["one", "", "word 0 out =two"]
    assert (failed.exit_status, failed.stderr, failed.stdout) == (3, "oh\n", "")
    with pytest.raises(UnknownError, match="exit status 3: oh"):
        failed.lines()
    assert words.stdout == "a b|$HOME `id`|'\"\\|ä\n-n|\n"
    assert nothing.lines() == []


def test_a_part_that_hangs_costs_the_others_nothing(here: HostConnection) -> None:
    """Each is put up as soon as it has ended; one that ignores its end is killed, with what it has started."""
    order: list[int] = []
    parts = [
        Part("trap '' TERM; sleep 60 & sleep 60", seconds=0.3),
        Part("echo quick"),
        Part("sleep 0.1; exit 124", seconds=9),
    ]
    outputs = here.run(parts, put=lambda number, _output: order.append(number))
    assert order[-1] == 0
    assert outputs[1].lines() == ["quick"]
    assert (outputs[2].ended, outputs[2].exit_status) == (True, 124)
    assert not outputs[0].ended
    with pytest.raises(UnknownError, match=r"no answer within 0\.3 s"):
        outputs[0].lines()


def test_what_is_printed_without_end_is_cut(here: HostConnection) -> None:
    flood, one = here.run([Part("yes", bytes=1000), Part("printf '%05000d' 7")])
    assert flood.truncated
    assert len(flood.stdout) <= 1000
    assert one.stdout == f"{7:05000d}\n"


def test_more_parts_than_run_at_once(here: HostConnection) -> None:
    outputs = here.run([Part(f"echo {number}") for number in range(2 * AT_ONCE + 1)])
    assert [output.lines() for output in outputs] == [[str(number)] for number in range(2 * AT_ONCE + 1)]


def test_no_part_sees_the_script_or_keeps_the_others_waiting_for_input(here: HostConnection) -> None:
    """Its standard input is empty, and no command line shows a script or a value."""
    read, shown = here.run([Part("cat"), Part("tr '\\0' ' ' </proc/$$/cmdline", ("s3cret",))])
    assert read.lines() == []
    assert "s3cret" not in shown.stdout
    assert shown.stdout.strip().endswith("opscheck")


def test_the_host_says_by_how_much_its_clock_is_ahead(here: HostConnection) -> None:
    [output] = here.run([Part("true")])
    assert output.ahead_s is not None
    least, most = output.ahead_s
    assert least <= 0 <= most


def test_what_does_not_become_a_shell_is_unreachable() -> None:
    for connect in ("sudo://no_such_user_here@localhost", "docker://no_such_container", "no-such-way://x"):
        with pytest.raises(UnreachableError):
            HostConnection(connect).run([Part("echo")], begun=lambda: pytest.fail("it has not begun"))


def test_who_closes_the_connection_ends_what_runs(here: HostConnection, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    found: list[Output] = []
    part = Part('touch "$1"; sleep 60', (str(alive),), seconds=60)
    thread = threading.Thread(target=lambda: found.extend(here.run([part])))
    thread.start()
    until = time.monotonic() + 20
    while not alive.exists() and time.monotonic() < until:
        time.sleep(0.02)
    here.close()
    thread.join(20)
    assert not thread.is_alive()
    with pytest.raises(UnknownError, match="the connection was lost"):
        found[0].lines()


def test_a_script_that_is_cut_off_on_its_way_runs_nothing(tmp_path: Path) -> None:
    """Nothing happens before its last line has come."""
    touched = tmp_path / "touched"
    parts = [Part('touch "$1"; echo done', (str(touched),))]
    text = script("word", parts, watched=False)
    for end in range(0, text.rindex("main "), len(text) // 5):
        subprocess.run(["sh", "-s", "opscheck"], input=text[:end], capture_output=True, text=True, check=False)
    assert not touched.exists()
    done = subprocess.run(["sh", "-s", "opscheck"], input=text, capture_output=True, text=True, check=True)
    assert touched.exists()
    assert [output.lines() for output in parse("word", done.stdout, parts)] == [["done"]]
