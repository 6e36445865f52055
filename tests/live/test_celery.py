"""Celery with a real worker and a real Redis broker: each check red by its fault, and green again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import redis
from celery import Celery
from celery.signals import before_task_publish

from .conftest import Run
from .processes import answers, free_port, program, running, stop, wait_until

Worker = Callable[..., AbstractContextManager[subprocess.Popen[bytes]]]
OPTIONS = {"priority_steps": list(range(10)), "queue_order_strategy": "priority"}

TASKS = """
import os, time
from celery import Celery
app = Celery("tasks", broker=os.environ["BROKER"])
app.conf.worker_prefetch_multiplier = 4
app.conf.task_acks_late = True
app.conf.broker_transport_options = {"global_keyprefix": os.environ.get("PREFIX", "")}
@app.task(name="tasks.nap")
def nap(seconds):
    time.sleep(seconds)
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with running(command, log=folder / "redis.log"):
        wait_until(lambda: answers(port), "redis-server")
        with redis.Redis(port=port) as client:
            yield client


@pytest.fixture(autouse=True)
def empty(broker: redis.Redis) -> None:
    broker.flushall()


def url(broker: redis.Redis) -> str:
    return f"redis://127.0.0.1:{broker.connection_pool.connection_kwargs['port']}/0"


@pytest.fixture
def worker(broker: redis.Redis, tmp_path: Path) -> Worker:
    """Run a worker that works on one task at a time."""

    @contextmanager
    def started(
        name: str, *, queues: str = "celery", prefix: str = "", pool: str = "solo", concurrency: int = 1
    ) -> Iterator[subprocess.Popen[bytes]]:
        (tmp_path / "tasks.py").write_text(TASKS, encoding="utf-8")
        options = ["-P", pool, "-c", str(concurrency), "-n", name, "-Q", queues, "-l", "INFO"]
        command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", *options]
        log = tmp_path / f"{name}.log"
        env = {**os.environ, "BROKER": url(broker), "PREFIX": prefix}
        with running(command, log=log, cwd=tmp_path, env=env) as process:
            wait_until(lambda: f"{name} ready" in log.read_text(encoding="utf-8"), f"worker {name}")
            wait_until(lambda: subscribed(broker, name), f"worker {name} listening")
            yield process

    return started


def subscribed(broker: redis.Redis, name: str) -> bool:
    """Tell whether a worker's process listens for what all workers are asked."""
    return sum(int(client["psub"]) > 0 for client in broker.client_list()) >= len(
        [member for key in broker.scan_iter("*_kombu.binding.celery.pidbox") for member in broker.smembers(key)]
    )


def app(broker: redis.Redis) -> Celery:
    return Celery("producer", broker=url(broker), set_as_current=False)


def inventory(broker: redis.Redis, expect: str, more: str = "") -> str:
    return f'[celery.tasks]\nbroker = "{url(broker)}"\n{more}\n[celery.tasks.expect]\n{expect}\n'


def test_a_stopped_worker_is_red_and_nothing_is_left_in_the_broker(
    run: Run, broker: redis.Redis, worker: Worker
) -> None:
    names = inventory(broker, 'workers = { names = ["a@here", "b@*"] }')
    with worker("a@here"):
        with worker("b@there") as second:
            before = contents(broker)
            with monitored(broker) as commands:
                assert run(names).verdict("celery.workers@tasks") == "ok"
            assert contents(broker) == before
            ours = {command.split()[0].lower() for command in commands}
            assert ours <= {"client", "ping", "info", "sadd", "publish", "blpop", "srem", "del", "select"}
            assert all(
                "reply.celery.pidbox" in command
                for command in commands
                if command.startswith(("SADD", "SREM", "DEL", "BLPOP"))
            )
            stop(second)
        outcome = run(names)
        assert outcome.verdict("celery.workers@tasks") == "breach P1"
        assert outcome.message("celery.workers@tasks") == "b@* is missing, expected answering"
        assert run(inventory(broker, 'workers = ">= 1"')).verdict("celery.workers@tasks") == "ok"
        outcome = run(inventory(broker, 'workers = { P1 = ">= 1", P3 = ">= 2" }'))
        assert outcome.message("celery.workers@tasks") == "workers that answer is 1, expected >= 2"
    outcome = run(inventory(broker, "reachable = true"))
    assert outcome.verdict("celery.workers@tasks") == "breach P1"
    assert outcome.message("celery.workers@tasks") == "workers that answer is 0, expected >= 1"


def contents(broker: redis.Redis) -> dict[bytes, bytes]:
    """Return all that the broker holds, but for the times up to which workers say that they live."""
    return {key: broker.dump(key) or b"" for key in broker.scan_iter() if key != b"_kombu.binding_deadlines"}


@contextmanager
def monitored(broker: redis.Redis) -> Iterator[list[str]]:
    """Collect what clients named opscheck send: those of which no worker has the address."""
    others = {client["addr"] for client in broker.client_list()}
    seen: list[str] = []
    with redis.Redis(port=broker.connection_pool.connection_kwargs["port"]).monitor() as monitor:

        def listen() -> None:
            for event in monitor.listen():
                if event["command"] == "PING the end":
                    return
                if f"{event['client_address']}:{event['client_port']}" not in others and event["client_type"] != "lua":
                    seen.append(event["command"])

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield seen
        broker.execute_command("PING", "the end")
        thread.join(10)


def test_a_worker_that_hangs_does_not_answer(run: Run, broker: redis.Redis, worker: Worker) -> None:
    text = inventory(broker, "reachable = true")
    with worker("a@here") as process:
        os.killpg(process.pid, signal.SIGSTOP)
        outcome = run(text)
        os.killpg(process.pid, signal.SIGCONT)
        assert outcome.verdict("celery.workers@tasks") == "breach P1"
        assert outcome.message("celery.workers@tasks") == "workers that answer (of 1 connected) is 0, expected >= 1"
        assert run(text).verdict("celery.workers@tasks") == "ok"
    assert not [key for key in broker.scan_iter() if key.endswith(b".reply.celery.pidbox")]


def test_queues_count_priorities_and_what_workers_have_taken(run: Run, broker: redis.Redis, worker: Worker) -> None:
    text = inventory(
        broker, 'workers = false\nqueue_length = { P2 = "< 8", P1 = "< 12", queues = ["celery", "scoring", "idle"] }'
    )
    producer = app(broker)
    producer.conf.broker_transport_options = OPTIONS
    with worker("a@here", queues="celery,scoring,idle", pool="threads") as process:
        outcome = run(text)
        assert outcome.verdict("celery.queue_length@tasks") == "ok"
        for _ in range(3):
            producer.send_task("tasks.nap", (60,))
        for _ in range(2):
            producer.send_task("tasks.nap", (1,), countdown=3600)
        wait_until(lambda: broker.hlen("unacked") == 5, "tasks that the worker has taken")
        stop_at_once(process)
    for priority in (0, 3, 5, 9):
        for _ in range(2):
            producer.send_task("tasks.nap", (1,), priority=priority)
    producer.send_task("tasks.nap", (1,), queue="scoring", priority=6)
    assert broker.llen("celery") < 8, "the length of one list is not the length of the queue"
    outcome = run(text)
    assert outcome.verdict("celery.queue_length@tasks") == "breach P2"
    values = {m["subject"].split()[2]: m["value"] for m in outcome["celery.queue_length@tasks"]["measurements"]}
    assert values == {"celery": 11, "scoring": 1, "idle": 0}
    assert "messages in celery (3 of them taken by workers) is 11, expected < 8" in outcome.message(
        "celery.queue_length@tasks"
    )
    for key in broker.scan_iter("celery*"):
        broker.delete(key)
    broker.delete("unacked")
    assert run(text).verdict("celery.queue_length@tasks") == "ok"


def stop_at_once(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker, so that what it has taken stays taken."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


def test_a_misspelt_queue_is_unknown_not_empty(run: Run, broker: redis.Redis, worker: Worker) -> None:
    with worker("a@here", queues="celery,scoring"):
        outcome = run(inventory(broker, 'queue_length = { P2 = "< 10", queues = ["scorign"] }'))
    assert outcome.verdict("celery.queue_length@tasks") == "unknown P2"
    assert "no worker has declared a queue 'scorign' in this broker; there are: celery, scoring" in outcome.message(
        "celery.queue_length@tasks"
    )


def test_a_prefix_for_all_keys_is_followed(run: Run, broker: redis.Redis, worker: Worker) -> None:
    with worker("a@here", prefix="shop:"):
        expect = 'workers = { names = ["a@here"] }\nqueue_length = "< 5"'
        outcome = run(inventory(broker, expect, 'global_keyprefix = "shop:"'))
        assert outcome.exit_status == 0, outcome.output
        assert run(inventory(broker, 'workers = ">= 1"')).verdict("celery.workers@tasks") == "breach P1"


def test_a_stopped_broker_fails_reachable_alone_and_another_kind_of_broker_is_refused(run: Run) -> None:
    text = (
        f'[celery.tasks]\nbroker = "redis://:S3cret-canary@127.0.0.1:{free_port()}/0"\n'
        '[celery.tasks.expect]\nqueue_length = "< 5"\n'
    )
    outcome = run(text)
    assert outcome.verdict("celery.reachable@tasks") == "breach P0"
    assert outcome.verdict("celery.workers@tasks") == "blocked"
    assert outcome.verdict("celery.queue_length@tasks") == "blocked"
    assert "S3cret-canary" not in outcome.output
    outcome = run('[celery.tasks]\nbroker = "sqs://guest:S3cret-canary@127.0.0.1//"\n')
    assert outcome.exit_status == 4
    assert "'sqs' can't be read; what can is redis, rediss, amqp" in outcome.output
    assert "S3cret-canary" not in outcome.output


def test_concurrency_red_by_a_smaller_pool_and_a_missing_worker(run: Run, broker: redis.Redis, worker: Worker) -> None:
    text = inventory(broker, 'workers = false\nconcurrency = { "a@*" = 1, "scoring@*" = { P1 = ">= 2" } }')
    with worker("a@here"):
        outcome = run(text, suite="weekly")
        assert outcome.verdict("celery.concurrency@tasks") == "breach P1"
        assert outcome.message("celery.concurrency@tasks") == "scoring@* is missing, expected answering"
        with worker("scoring@here", pool="threads"):
            outcome = run(text, suite="weekly")
            assert outcome.verdict("celery.concurrency@tasks") == "breach P1"
            assert outcome.message("celery.concurrency@tasks") == "concurrency of scoring@here is 1, expected >= 2"
        with worker("scoring@there", pool="threads", concurrency=2):
            assert run(text, suite="weekly").verdict("celery.concurrency@tasks") == "ok"
    assert not [key for key in broker.scan_iter() if b"reply.celery.pidbox" in key]


def test_the_oldest_task_is_told_by_the_time_that_the_application_stamps(
    run: Run, broker: redis.Redis, worker: Worker
) -> None:
    text = inventory(broker, 'workers = false\noldest_task = { P2 = "< 1m", P1 = "< 1h", queues = ["celery"] }')
    producer = app(broker)
    with worker("a@here"):
        assert run(text).verdict("celery.oldest_task@tasks") == "ok", "the queue is empty"
    producer.send_task("tasks.nap", (1,))
    outcome = run(text)
    assert outcome.verdict("celery.oldest_task@tasks") == "unknown P1"
    assert "does not say when it was sent" in outcome.message("celery.oldest_task@tasks")
    broker.delete("celery")
    sent = [time.time() - 7200, time.time() - 600, time.time()]

    def stamp(headers: dict[str, object], **_: object) -> None:
        headers["published_at"] = sent.pop()

    before_task_publish.connect(stamp)
    try:
        producer.send_task("tasks.nap", (1,))
        assert run(text).verdict("celery.oldest_task@tasks") == "ok"
        broker.delete("celery")
        producer.send_task("tasks.nap", (1,))
        outcome = run(text)
        assert outcome.verdict("celery.oldest_task@tasks") == "breach P2"
        assert outcome.message("celery.oldest_task@tasks").startswith("oldest task in celery is 10")
        producer.send_task("tasks.nap", (1,), priority=3)
        assert run(text).verdict("celery.oldest_task@tasks") == "breach P1", "one of lower priority waits for longer"
    finally:
        before_task_publish.disconnect(stamp)
