"""The parts of a run, by the moments at which something is heard of them, and what is said by then."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_opscheck.carrier.messages import MOST_ATTEMPTS, Of, Reply
from pytest_opscheck.carrier.parts import NOBODY_S, SILENT_S, Parts, Sent
from pytest_opscheck.core.shards import Part, Shard
from tests.unit.reports import values

RUN = "a" * 32
DMZ = Part("dmz", Shard(1, 1))


class Course:
    """One part from one place, and a clock; `waiting` is whether the broker still has its order."""

    def __init__(self, part: Part = DMZ) -> None:
        self.now = 0.0
        self.waiting = 0
        self.said: list[str] = []
        self.part = part
        self.sent = Sent(part)
        self.parts = Parts(RUN, "daily", "shop", "0.1", "digest", {part: self.sent}, self.said.append)

    def tick(self, seconds: float = 0.0) -> int:
        """Let some time pass, and send what is due; returns at which attempt the part is."""
        self.now += seconds
        for each in list(self.parts.due(self.now, lambda _: self.waiting)):
            each.begin(self.now)
        return self.sent.attempt

    def hear(self, kind: str, attempt: int = 1, number: int = 1, worker: str = "w1", **what: Any) -> None:
        of = Of(run=RUN, vantage=self.part.vantage, shard=str(self.part.shard), attempt=attempt)
        reply = Reply.model_validate({"kind": kind, "of": of, "worker": worker, "number": number, **what})
        self.parts.hear(reply.model_dump(), self.now)

    def results(self, attempt: int = 1, digest: str = "digest", **changed: Any) -> None:
        made = values.run(values.result()).to_json()
        run = {"inventory": "shop", "suite": "daily", "version": "0.1", "vantage": "dmz", "shard": "1/1", **changed}
        made["run"] |= run
        self.hear("results", attempt, results=made, digest=digest)

    @property
    def reason(self) -> str:
        return self.parts.reasons(self.now)[self.part]


def test_a_part_whose_results_come_is_over() -> None:
    course = Course()
    assert course.tick() == 1
    course.hear("alive")
    course.results()
    assert course.parts.are_over
    assert course.parts.reasons(course.now) == {}
    assert course.said == ["vantage dmz: w1 is at it", "vantage dmz: 1 result from w1"]
    course.results(inventory="other")
    assert course.sent.run is not None
    assert course.sent.run.inventory == "shop", "the first result counts"


def test_a_silent_worker_loses_its_part_three_times_and_then_nobody_gets_it() -> None:
    course = Course()
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert course.tick() == attempt
        course.hear("alive", attempt)
        assert course.tick(SILENT_S - 0.1) == attempt
        course.hear("alive", attempt, number=2)
        assert course.tick(SILENT_S - 0.1) == attempt, "it is heard"
        course.now += 0.2
    assert not course.parts.are_over
    course.tick()
    assert course.parts.are_over
    assert course.reason == "w1 has not been heard for 15 s"
    assert course.said.count("vantage dmz: w1 has not been heard for 15 s; it is sent again, 2 of 3") == 1


def test_signs_of_life_that_somebody_has_kept_are_none() -> None:
    course = Course()
    course.tick()
    course.hear("alive", number=5)
    course.now += SILENT_S - 1
    course.hear("alive", number=5)
    course.hear("alive", number=4)
    assert course.tick(2) == 2


def test_an_order_that_waits_is_not_sent_again_and_one_that_the_broker_has_lost_is() -> None:
    course = Course()
    course.tick()
    course.waiting = 1
    assert course.tick(NOBODY_S + 0.1) == 1
    assert course.tick(10 * SILENT_S) == 1
    assert course.said == ["vantage dmz: no worker has taken it yet; start one there: opscheck worker --from dmz"]
    assert course.reason == "no worker has taken it; start one there: opscheck worker --from dmz"
    course.waiting = 0
    assert course.tick() == 2


def test_at_the_deadline_it_says_who_had_it_and_since_when_nobody_was_heard() -> None:
    course = Course()
    course.tick()
    course.hear("alive")
    course.now += 2
    assert course.reason == "w1 was still at it at the deadline"
    course.now += 7
    assert course.reason == "w1 had not been heard for 9 s at the deadline"


def test_while_the_broker_is_silent_no_worker_is() -> None:
    course = Course()
    course.tick()
    course.hear("alive")
    course.parts.disconnected("the broker is gone")
    course.parts.disconnected("the broker is gone")
    assert course.reason == "the broker is gone"
    course.now += 10 * SILENT_S
    course.parts.connected(course.now)
    assert course.tick(SILENT_S - 1) == 1
    assert course.tick(2) == 2
    assert course.said[1:3] == [
        "the broker is gone; it is tried again until the deadline",
        "the broker answers again",
    ]


def test_a_refusal_is_the_reason_also_where_its_sign_of_life_overtakes_it() -> None:
    course = Course()
    for attempt in range(1, MOST_ATTEMPTS + 1):
        course.tick()
        course.hear("alive", attempt, number=2)
        course.hear("refused", attempt, number=1, reason="other\nversion")
        course.hear("refused", attempt, number=1, reason="other version")
    assert course.parts.are_over
    assert course.reason == "w1 has no results of it: other; version"
    course.results(attempt=1)
    assert course.parts.reasons(course.now) == {}, "late, and not too late"


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"inventory": "other"}, "inventory"),
        ({"suite": "weekly"}, "suite"),
        ({"version": "0.2"}, "version"),
        ({"vantage": "office"}, "part"),
        ({"shard": "1/2"}, "part"),
        ({"shard": None}, "another form"),
        ({"started": 5}, "another form"),
        ({"digest": "0"}, "digest"),
    ],
)
def test_results_of_something_else_are_none(changed: dict[str, Any], what: str) -> None:
    course = Course()
    course.tick()
    course.results(**changed)
    assert course.sent.run is None
    assert "are not those of this part" in course.reason
    assert what in course.reason


@pytest.mark.parametrize("data", [None, {}, {"kind": "results"}, {"kind": 1, "of": []}])
def test_what_is_not_signed_or_no_reply_is_counted_and_told_once(data: dict[str, Any] | None) -> None:
    course = Course()
    course.tick()
    for _ in range(3):
        course.parts.hear(data, 0.0)
    assert len(course.said) == 1
    assert course.said[0].startswith("1 message came that this run's OPSCHECK_KEY has not signed: set it to the same")
    assert "3 messages came that this run's OPSCHECK_KEY has not signed" in course.reason


def test_what_is_said_of_another_run_or_part_or_of_an_attempt_that_was_not_made_is_nothing() -> None:
    course = Course()
    course.tick()
    course.hear("refused", attempt=2, reason="x")
    for of in (
        Of(run="b" * 32, vantage="dmz", shard="1/1", attempt=1),
        Of(run=RUN, vantage="x", shard="1/1", attempt=1),
    ):
        course.parts.hear(Reply(kind="refused", of=of, worker="w", number=1, reason="x").model_dump(), 0.0)
    assert course.said == []
    assert course.sent.reason is None


def test_a_long_reason_is_shortened_to_its_end() -> None:
    course = Course()
    course.tick()
    course.hear("refused", reason="x" * 3000 + " the end")
    assert len(course.reason) <= 500
    assert "the end" in course.reason
