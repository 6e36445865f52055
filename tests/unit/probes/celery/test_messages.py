"""Messages of Celery as Redis holds them: how long one has waited, and which are for later."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from pytest_opscheck.probes import UnknownError
from pytest_opscheck.probes.celery._redis import _is_later, _message, _taken_message, _waited
from pytest_opscheck.probes.celery._target import Oldest, Queue, Workers

NOW = 1_800_000_000.0


def sent(**headers: object) -> dict[str, object]:
    return {"body": "W10=", "headers": {"task": "shop.mail", "eta": None, **headers}, "properties": {"priority": 0}}


def test_the_oldest_of_a_queues_priorities_counts() -> None:
    messages = [sent(published_at=NOW - 5), sent(published_at=str(NOW - 90)), sent(published_at=NOW + 3)]
    assert _waited("celery", messages, NOW) == Oldest("celery", 90)
    assert _waited("celery", [], NOW) == Oldest("celery", 0)
    assert _waited("celery", [{"properties": {"timestamp": NOW - 7}}], NOW) == Oldest("celery", 7)


def test_one_that_does_not_say_when_it_was_sent_makes_the_age_unknown() -> None:
    """Never that of the others."""
    found = _waited("celery", [sent(published_at=NOW - 5), sent()], NOW)
    assert found.seconds is None
    assert found.why is not None
    assert _waited("celery", [{"headers": "none"}], NOW).seconds is None


@pytest.mark.parametrize("text", ["", "hello", "[1]", b"\xff\xfe", "[" * 2000])
def test_what_is_no_message_is_unknown(text: str | bytes) -> None:
    with pytest.raises(UnknownError, match="the next entry of celery is not a message of Celery's"):
        _message(text, "celery")
    with pytest.raises(UnknownError, match="not a message that a worker has taken"):
        _taken_message(text, "unacked")


def test_a_message_that_a_worker_has_taken() -> None:
    assert _taken_message(json.dumps([sent(), "", "celery"]), "unacked") == (sent(), "", "celery")


def test_what_is_for_later_is_not_due() -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    assert _is_later(later.isoformat())
    assert _is_later(later.replace(tzinfo=None).isoformat())
    assert not _is_later((later - dt.timedelta(hours=2)).isoformat())
    assert not _is_later("soon")
    assert not _is_later(None)


def test_lengths_and_workers() -> None:
    assert (Queue("a", 3, 2, scheduled=7).length, Queue("a", 3, None).length) == (5, 3)
    workers = Workers(("celery@a", "scoring@b"), 3, ("celery@a", "scoring@*", "mail@*"))
    assert workers.missing == ("mail@*",)
