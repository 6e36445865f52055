"""Celery with a real worker and a real RabbitMQ broker: each check red by its fault, and green again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from celery import Celery

from . import carriers
from .conftest import Run
from .processes import answers, free_port, program, running, wait_until

FOLDER = "/usr/lib/rabbitmq/bin"
"""Where Debian has the programs themselves; those in the path are the service's, and want its user."""
TASKS = """
import os, time
from celery import Celery
app = Celery("tasks", broker=os.environ["BROKER"])
app.conf.task_queue_max_priority = 10
@app.task(name="tasks.nap")
def nap(seconds):
    time.sleep(seconds)
"""


@dataclass
class Server:
    """A RabbitMQ server, and what its own tool says of it."""

    port: int
    env: dict[str, str]

    def url(self, user: str = "guest:guest") -> str:
        return f"amqp://{user}@127.0.0.1:{self.port}//"

    def ctl(self, *arguments: str) -> str:
        command = [rabbit("rabbitmqctl"), "-q", *arguments]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60, check=True).stdout

    def state(self) -> str:
        """Return its queues, exchanges and bindings."""
        return self.ctl(
            "eval", '[rabbit_amqqueue:list_names(), rabbit_exchange:list_names(), rabbit_binding:list(<<"/">>)].'
        )


def rabbit(name: str) -> str:
    file = Path(FOLDER) / name
    return str(file) if file.exists() else program(name)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("rabbitmq")
    (folder / "plugins").write_text("[].")
    port = free_port()
    env = {
        **os.environ,
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(free_port()),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"test{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "db"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
    }
    with running([rabbit("rabbitmq-server")], log=folder / "rabbitmq.log", env=env):
        wait_until(lambda: "completed with" in (folder / "rabbitmq.log").read_text(), "rabbitmq-server", seconds=60)
        wait_until(lambda: answers(port), "rabbitmq-server")
        yield Server(port, env)
    subprocess.run([program("epmd"), "-kill"], env=env, capture_output=True, timeout=10, check=True)


@contextmanager
def worker(server: Server, folder: Path, name: str, concurrency: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker."""
    (folder / "tasks.py").write_text(TASKS, encoding="utf-8")
    log = folder / f"{name}.log"
    log.unlink(missing_ok=True)
    options = ["-P", "threads", "-c", str(concurrency), "-n", name, "-l", "INFO"]
    command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", *options]
    with running(command, log=log, cwd=folder, env={**os.environ, "BROKER": server.url()}) as process:
        wait_until(lambda: f"{name} ready" in log.read_text(encoding="utf-8"), f"worker {name}")
        yield process


def inventory(server: Server, expect: str, user: str = "guest:guest") -> str:
    return f'[celery.tasks]\nbroker = "{server.url(user)}"\n[celery.tasks.expect]\n{expect}\n'


ALL = """
workers = { names = ["a@*"] }
concurrency = { "a@*" = 2 }
queue_length = { P2 = "< 3", P1 = "< 10" }
oldest_task = "< 1m"
"""


def test_workers_and_queues_red_and_green_and_nothing_is_left(run: Run, server: Server, tmp_path: Path) -> None:
    text = inventory(server, ALL)
    producer = Celery("producer", broker=server.url(), set_as_current=False)
    producer.conf.task_queue_max_priority = 10
    outcome = run(text, suite="daily or weekly")
    assert outcome.verdict("celery.reachable@tasks") == "ok"
    assert outcome.verdict("celery.workers@tasks") == "breach P1"
    assert outcome.verdict("celery.queue_length@tasks") == "unknown P1", "there is no such queue yet"
    assert "no queue 'celery' in vhost '/'" in outcome.message("celery.queue_length@tasks")
    with worker(server, tmp_path, "a@here", concurrency=2) as process:
        before = server.state()
        outcome = run(text, suite="daily or weekly")
        assert outcome.exit_status == 0, outcome.output
        assert server.state() == before
        os.killpg(process.pid, signal.SIGSTOP)
        outcome = run(text, suite="daily or weekly")
        os.killpg(process.pid, signal.SIGCONT)
        assert outcome.verdict("celery.workers@tasks") == "breach P1"
        assert outcome.message("celery.concurrency@tasks") == "a@* is missing, expected answering"
    with producer.connection_for_write() as connection:
        for priority in (0, 5, 9, 1):
            producer.send_task("tasks.nap", (0,), priority=priority, connection=connection)
        queue = connection.default_channel.queue_declare
        wait_until(lambda: queue("celery", passive=True).message_count == 4, "messages")
    outcome = run(text, suite="daily or weekly")
    assert outcome.verdict("celery.queue_length@tasks") == "breach P2"
    assert outcome.message("celery.queue_length@tasks") == "waiting messages in celery is 4, expected < 3"
    assert outcome.verdict("celery.oldest_task@tasks") == "unknown P2"
    assert "RabbitMQ shows no waiting message without taking it" in outcome.message("celery.oldest_task@tasks")
    with worker(server, tmp_path, "a@here", concurrency=2):
        with producer.connection_for_read() as connection:
            queue = connection.default_channel.queue_declare
            wait_until(lambda: queue("celery", passive=True).message_count == 0, "tasks that are taken")
        assert run(text, suite="daily or weekly").exit_status == 0


def test_the_least_rights_are_enough_and_without_them_it_says_which(run: Run, server: Server, tmp_path: Path) -> None:
    server.ctl("add_user", "ops", "S3cret-canary")
    text = inventory(server, ALL, "ops:S3cret-canary")
    outcome = run(text)
    assert outcome.verdict("celery.reachable@tasks") == "breach P0", "it may not enter the virtual host"
    assert "S3cret-canary" not in outcome.output
    server.ctl("set_permissions", "-p", "/", "ops", "^$", "^$", ".*")
    with worker(server, tmp_path, "a@here", concurrency=2):
        outcome = run(text)
        assert outcome.verdict("celery.workers@tasks") == "unknown P1"
        assert "rabbitmqctl set_permissions" in outcome.message("celery.workers@tasks")
        assert outcome.verdict("celery.queue_length@tasks") == "ok"
        server.ctl("set_permissions", "-p", "/", "ops", r"^amq\.gen-", r"^(amq\.gen-.*|celery\.pidbox)$", ".*")
        outcome = run(text, suite="daily or weekly")
        assert outcome.exit_status == 0, outcome.output


def test_a_stopped_server_fails_reachable_alone(run: Run) -> None:
    outcome = run(f'[celery.tasks]\nbroker = "amqp://guest:S3cret-canary@127.0.0.1:{free_port()}//"\n')
    assert outcome.verdict("celery.reachable@tasks") == "breach P0"
    assert "refused" in outcome.message("celery.reachable@tasks")
    assert outcome.verdict("celery.workers@tasks") == "blocked"
    assert "S3cret-canary" not in outcome.output


def test_a_broker_short_of_memory_takes_no_question_and_still_tells_its_queues(
    run: Run, server: Server, tmp_path: Path
) -> None:
    """It blocks a connection that has published: what else is asked has to go another way."""
    with worker(server, tmp_path, "a@here"):
        server.ctl("set_vm_memory_high_watermark", "0")
        try:
            wait_until(lambda: "memory" in server.ctl("eval", "rabbit_alarm:get_alarms()."), "the alarm")
            outcome = run(inventory(server, 'workers = ">= 1"\nqueue_length = "< 3"'))
        finally:
            server.ctl("set_vm_memory_high_watermark", "0.4")
    assert outcome.verdict("celery.workers@tasks") == "unknown P1"
    assert "the broker takes no messages" in outcome.message("celery.workers@tasks")
    assert outcome.verdict("celery.reachable@tasks") == "ok"
    assert outcome.verdict("celery.queue_length@tasks") == "ok"


def test_a_run_goes_through_rabbitmq_to_workers_and_comes_back(server: Server, tmp_path: Path) -> None:
    """In two parts, one of which a worker takes that is killed: its order is not lost, and no result is."""
    hold = tmp_path / "hold"
    hold.touch()
    inventory = f"""
[opscheck]
name = "shop"
[suites.daily]
deadline = "1m"
[vantage.dmz]
[defaults.host]
connect = "local://"
expect = {{ disk = false, memory = false, load = false, cpu = false }}
[host.here]
[host.there]
from = "dmz"
command.held = {{ run = "echo x >> {tmp_path}/times; while test -e {hold}; do sleep 0.1; done", timeout = "60s" }}
"""
    checks = carriers.Checks.of(tmp_path / "checks", server.url(), inventory)
    here = carriers.worker(tmp_path, server.url(), "default")
    with here, carriers.worker(tmp_path, server.url(), "dmz") as first, checks.started() as run:
        wait_until((tmp_path / "times").exists, "the command")
        carriers.kill(first)
        with carriers.worker(tmp_path, server.url(), "dmz") as second:
            run.wait_for("it is sent again, 2 of 3")
            hold.unlink()
            assert run.ended() == 0, run.said + second.said
    assert set(checks.verdicts().values()) == {"ok"}
    queues = server.ctl("list_queues", "name", "messages")
    assert "opscheck.reply" not in queues, "nothing of the run is left"
    assert re.search(r"^opscheck\.dmz\s+0$", queues, re.MULTILINE), queues
    assert "opscheck" not in server.ctl("list_exchanges", "name"), "and no exchange is made"
