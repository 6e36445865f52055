"""The dispatcher, with kinds that are made here: whatever a contact does, the others are read, and every wait ends."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_opscheck import probes
from pytest_opscheck.catalogue import kinds
from pytest_opscheck.gather import contact
from pytest_opscheck.gather.dispatcher import Gather
from pytest_opscheck.gather.pace import MOST
from pytest_opscheck.gather.readings import Reading
from pytest_opscheck.inventory import InventoryTarget
from pytest_opscheck.plan import Plan, Request
from pytest_opscheck.probes import BlockedError, Kind, Reach, Target, UnknownError, UnreachableError

Made = Callable[..., Kind]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """Make a kind that there is in this test, as if a module of probes had it: made(name, connect=...)."""
    known = kinds()

    def make(name: str = "thing", connect: Callable[[Any, float], Any] | None = None) -> Kind:
        others = {} if connect is None else {"connect": contextmanager(connect)}
        kind = Kind(name, Target, "a thing", **others)  # type: ignore[arg-type]
        monkeypatch.setitem(sys.modules, f"{probes.__name__}.{name}", SimpleNamespace(kind=kind))
        monkeypatch.setattr(known, "_names", (*known, name))
        return kind

    return make


def request(kind: Kind, probe: str = "look", name: str = "a", seconds: float = 5, **params: Any) -> Request:
    return Request(InventoryTarget(kind.name, name, kind.target()), kind.probes[probe], params, seconds)


def gathered(*requests: Request) -> list[Reading]:
    gather = Gather(Plan.of(requests, {}))
    gather.start()
    try:
        return [gather.wait(each) for each in requests]
    finally:
        gather.close()


def test_a_reading_is_read_once_however_often_it_is_owed(made: Made) -> None:
    kind, calls = made(), list[str]()

    @kind.probe()
    def look(_connection: object, *, what: str) -> str:
        calls.append(what)
        return what

    readings = gathered(request(kind, what="x"), request(kind, what="y"), request(kind, what="x"))
    assert [reading.value for reading in readings] == ["x", "y", "x"]
    assert sorted(calls) == ["x", "y"]


def test_a_probe_that_fails_costs_no_other_one(made: Made) -> None:
    """Neither of the same target nor of another; what no probe should raise is unknown, in one line."""
    kind = made()
    errors: dict[str, Exception] = {
        "own": UnknownError("not told"),
        "blocked": BlockedError("up", "by that"),
        "library": ValueError("first line\nsecond line"),
        "empty": KeyError(),
    }

    @kind.probe()
    def look(_connection: object, *, fails: str = "") -> str:
        if fails:
            raise errors[fails]
        return "seen"

    *failed, seen = gathered(*(request(kind, fails=name) for name in errors), request(kind))
    said = [f"{type(reading.error).__name__}: {reading.error}" for reading in failed]
    assert said == [
        "UnknownError: not told",
        "BlockedError: by that",
        "UnknownError: ValueError: first line",
        "UnknownError: KeyError",
    ]
    assert seen.value == "seen"


def test_what_cannot_be_reached_blocks_its_own_readings_alone(made: Made) -> None:
    def refuses(target: Target, _timeout_s: float) -> Iterator[Target]:
        raise UnreachableError("refused")
        yield target

    closed, open_ = made("closed", refuses), made("open")

    for kind in (closed, open_):

        @kind.probe()
        def look(_connection: object) -> str:
            return "seen"

    blocked, seen = gathered(request(closed, name="b"), request(open_))
    assert (str(blocked.error), blocked.blocker) == ("refused", "closed.reachable@b")
    assert (seen.value, seen.error) == ("seen", None)


def test_a_contact_that_fails_for_a_moment_is_made_again_and_says_so(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact, "PAUSE_S", 0.01)
    tries = iter([1, 2])

    def flaky(target: Target, _timeout_s: float) -> Iterator[Target]:
        if next(tries, None) is not None:
            raise UnreachableError("reset", transient=True)
        yield target

    kind = made(connect=flaky)

    @kind.probe()
    def look(_connection: object) -> Reach:
        return Reach("thing")

    [reading] = gathered(request(kind))
    assert (reading.value, reading.attempts) == (Reach("thing", 3), 3)


def test_one_that_hangs_is_given_up_while_the_others_are_read(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact, "GRACE_SECONDS", 0.1)
    kind, over = made(), threading.Event()

    @kind.probe()
    def look(_connection: object, *, hangs: bool) -> str:
        if hangs:
            over.wait(60)
        return "seen"

    began = time.monotonic()
    hung, *seen = gathered(
        request(kind, seconds=0.2, hangs=True), *(request(kind, name=f"n{n}", hangs=False) for n in range(100))
    )
    over.set()
    assert "no answer within 0.3 s" in str(hung.error)
    assert {reading.value for reading in seen} == {"seen"}
    assert time.monotonic() - began < 30


def test_latency_is_read_when_all_else_is_done(made: Made) -> None:
    kind, order = made(), list[str]()

    @kind.probe(latency=True)
    def latency(_connection: object) -> None:
        order.append("latency")

    @kind.probe()
    def look(_connection: object) -> None:
        time.sleep(0.1)
        order.append("look")

    gathered(request(kind, "latency", "a"), request(kind, "look", "b"), request(kind, "look", "c"))
    assert order == ["look", "look", "latency"]


def test_processes_of_a_run_share_the_contacts_and_see_all_readings(made: Made, tmp_path: Path) -> None:
    kind, calls = made(), list[str]()

    @kind.probe()
    def look(connection: Target) -> str:
        calls.append(type(connection).__name__)
        return "seen"

    requests = [request(kind, name=f"n{number}") for number in range(5)]
    both = [Gather(Plan.of(requests, {}), share=(index, 2), folder=tmp_path) for index in range(2)]
    for gather in both:
        gather.start()
    for gather in both:
        assert {gather.wait(each).value for each in requests} == {"seen"}
        assert gather.contacts == len(requests)
    assert len(calls) == len(requests)


@pytest.mark.slow
def test_targets_that_are_silent_hold_up_nobody(made: Made) -> None:
    """More of them than run at once: they wait for an answer that does not come until the other one's is there."""
    is_over = threading.Event()

    places = itertools.count()

    def connect(_target: Any, _timeout_s: float) -> Iterator[object]:
        if next(places) < 3 * MOST:
            is_over.wait(30)
        yield object()

    kind = made(connect=connect)

    @kind.probe()
    def look(_connection: object) -> str:
        return "seen"

    silent = [request(kind, name=f"a{number:03}") for number in range(3 * MOST)]
    quick = request(kind, name="z")
    gather = Gather(Plan.of([*silent, quick], {}))
    gather.start()
    try:
        assert gather.wait(quick).value == "seen"
        assert not is_over.is_set()
    finally:
        is_over.set()
        gather.close()
