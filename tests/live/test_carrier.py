"""Runs that workers in other networks carry out: by a real broker, each place with what only it can reach and knows."""

from __future__ import annotations

import base64
import contextlib
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from pytest_opscheck.carrier.broker import Broker
from pytest_opscheck.carrier.messages import Of, version
from pytest_opscheck.carrier.signing import Key, Purpose

from .carriers import KEY, Checks, Network, Redis, Started, broker, children, network, worker
from .processes import free_port, running, wait_until

SECRET = "Dmz-canary-9Kx4"
SERVE = """
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.headers.get("X-Token") == sys.argv[2] else 403)
        self.end_headers()
    def log_message(self, *words):
        pass
print("serving", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""
LOCAL = """
[template.local]
kind = "host"
connect = "local://"
expect = { disk = false, memory = false, load = false, cpu = false }
"""


@pytest.fixture(scope="module")
def dmz() -> Iterator[Network]:
    with network() as made:
        yield made


@pytest.fixture(scope="module")
def server(dmz: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with broker(tmp_path_factory.mktemp("broker"), dmz.gateway) as made:
        yield made


def held(folder: Path, suites: str = '"daily"') -> tuple[str, Path]:
    """Return an inventory with a check that takes as long as a file is there, and that file."""
    hold = folder / "hold"
    hold.touch()
    text = f"""
[opscheck]
name = "held"
[suites.daily]
deadline = "40s"
[host.here]
connect = "local://"
expect = {{ disk = false, memory = false, load = false, cpu = false }}
[host.here.command.held]
run = "echo x >> {folder}/times; while test -e {hold}; do sleep 0.1; done"
timeout = "60s"
suites = [{suites}]
"""
    return text, hold


def test_each_place_checks_what_only_it_can_reach_with_secrets_that_only_it_has(
    dmz: Network, server: Redis, tmp_path: Path
) -> None:
    port = free_port()
    inventory = f"""
include = ["teams/*.toml"]
[opscheck]
name = "shop"
[vantage.dmz]
{LOCAL}
[group.here]
template = "local"
names = ["a[1:2]"]
command.fine = {{ run = 'test -z "$OPSCHECK_KEY" && test -n "$OPSCHECK_BROKER"' }}
[http.inside]
url = "http://127.0.0.1:{port}/"
headers = {{ X-Token = "${{DMZ_TOKEN}}" }}
from = "dmz"
[source.fleet]
file = "fleet.json"
format = "prometheus"
template = "local"
name = "{{__address__}}"
at_least = 2
[report.metrics]
textfile = "${{METRICS}}"
"""
    checks = Checks.of(tmp_path / "checks", server.url(), inventory, METRICS=str(tmp_path / "opscheck.prom"))
    (checks.folder / "fleet.json").write_text('[{"targets": ["c1", "c2"]}]', encoding="utf-8")
    (checks.folder / "teams").mkdir()
    (checks.folder / "teams/more.toml").write_text(
        '[tcp.inside]\naddress = "127.0.0.1:' + str(port) + '"\nfrom = "dmz"\n', encoding="utf-8"
    )
    listening = [*dmz.within, sys.executable, "-c", SERVE, str(port), SECRET]
    with running(listening, log=tmp_path / "serving"), monitored(server) as seen:
        wait_until(lambda: "serving" in (tmp_path / "serving").read_text(), "the server")
        here = worker(tmp_path, server.url(), "default")
        there = worker(tmp_path, server.url(dmz.gateway), "dmz", within=dmz.within, env={"DMZ_TOKEN": SECRET})
        with here as first, there as second:
            ended = checks.run()
            assert ended.process.returncode == 0, ended.said + first.said + second.said
            verdicts = checks.verdicts()
            assert {verdicts[name] for name in ("http.status@inside", "tcp.reachable@inside")} == {"ok"}
            assert verdicts["host.reachable@c2"] == verdicts["source.complete@fleet"] == "ok", (
                "by a list that is here alone"
            )
            assert verdicts["host.command.fine@a1"] == verdicts["vantage.reports@dmz"] == "ok"
            results = checks.results()
            assert results["http.status@inside"]["vantage"] == "dmz"
            assert list(tmp_path.glob("*.prom")), "who is told of it is a matter of who starts it"
    said = decoded(seen.read_text())
    assert "X-Token" in said, "the texts are sent"
    assert SECRET not in said, "and secrets stay where they are"
    assert not server.client.keys("opscheck.*"), "nothing is left with the broker"
    checked = checks.command("history", "verify")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def decoded(said: str) -> str:
    """Return what was said to a broker, with what is in base64 as it is read."""
    encoded = re.findall(r"[A-Za-z0-9+/]{40,}=*", said)
    return said + "".join(base64.b64decode(each + "==").decode("utf-8", "replace") for each in encoded)


@contextlib.contextmanager
def monitored(server: Redis) -> Iterator[Path]:
    """Keep all that is said to Redis while the block lasts, in a file."""
    file = server.folder / "monitored"
    with running(["redis-cli", "-p", str(server.port), "monitor"], log=file):
        wait_until(lambda: "OK" in file.read_text(), "the monitor")
        yield file


def test_shards_of_one_place_and_two_suites_at_once_are_each_their_own_run(server: Redis, tmp_path: Path) -> None:
    """Of one suite there is one run at a time; the history holds both, and its chain is whole."""
    inventory = f"""
[opscheck]
name = "fleet"
{LOCAL}
[group.all]
template = "local"
names = ["a[1:6]"]
command.name = {{ run = "test {{name}} != a4", suites = ["daily", "weekly"] }}
"""
    checks = Checks.of(tmp_path / "checks", server.url(), inventory)
    workers = worker(tmp_path, server.url(), "default"), worker(tmp_path, server.url(), "default")
    drivers = checks.started("--shards", "3"), checks.started("--shards=2", suite="weekly")
    with workers[0] as one, workers[1] as other, drivers[0] as daily, drivers[1] as weekly:
        daily.wait_for("is announced")
        again = checks.run()
        assert again.process.returncode == 5, again.said
        assert "daily is already running" in again.said
        assert (daily.ended(), weekly.ended()) == (1, 1), daily.said + weekly.said + one.said + other.said
    for suite, of in (("daily", 3), ("weekly", 2)):
        verdicts = checks.verdicts(suite)
        assert {f"shard.reports@{number}/{of}": "ok" for number in range(1, of + 1)}.items() <= verdicts.items()
        assert [name for name, verdict in verdicts.items() if verdict != "ok"] == ["host.command.name@a4"]
    assert checks.command("history", "verify").returncode == 0
    assert one.said.count("results are sent") + other.said.count("results are sent") == 5


def of_run(working: Started) -> dict[str, Any]:
    """Return of what the messages of the part are that a worker has begun."""
    working.wait_for(": begins")
    found = re.search(r"of ([0-9a-f]{32}): begins", working.said)
    assert found is not None
    return {"run": found[1], "vantage": None, "shard": "1/1", "attempt": 1}


def test_what_others_put_into_the_broker_is_neither_run_nor_believed(server: Redis, tmp_path: Path) -> None:
    """Who can write to the broker and has no key can make a part late or lose it, and nothing else."""
    inventory, hold = held(tmp_path)
    checks = Checks.of(tmp_path / "checks", server.url(), inventory)
    strange, key = Key("another key that has forty characters..."), Key(KEY)
    attacker = Broker(server.url())
    with worker(tmp_path, server.url(), "default") as working, checks.started() as run:
        of = of_run(working)
        run.wait_for("is at it")
        green = {"kind": "results", "of": of, "worker": "x", "number": 9, "digest": "", "results": {}, "reason": ""}
        other = {**green, "of": {**of, "run": "0" * 32}}
        with attacker.connected() as line:
            for message in (strange.signed(Purpose.REPLY, green), key.signed(Purpose.ORDER, green), "x", "[" * 10_000):
                line.reply(of["run"], message, 10)
            line.reply(of["run"], key.signed(Purpose.REPLY, other), 10)
            run.wait_for("OPSCHECK_KEY has not signed")
        hold.unlink()
        assert run.ended() == 0, run.said
    assert checks.verdicts()["host.command.held@here"] == "ok"
    assert (tmp_path / "times").read_text() == "x\n", "it ran once"


def test_an_order_without_the_signature_of_the_key_is_not_run(server: Redis, tmp_path: Path) -> None:
    """Who can write to the broker can run no command on a worker; one that is signed as a reply is no order either."""
    inventory, hold = held(tmp_path)
    hold.unlink()
    text = inventory.replace("echo x", "echo forged")
    of = Of(run="0" * 32, vantage=None, shard="1/1", attempt=1)
    order: dict[str, Any] = {
        "of": of.model_dump(),
        "version": version(),
        "sent": time.time(),
        "deadline": time.time() + 30,
    }
    order |= {"suite": "daily", "digest": "", "main": "opscheck.toml", "texts": {"opscheck.toml": text}}
    order |= {"values": {}, "defaulted": [], "lists": {}}
    strange, key, attacker = Key("another key that has forty characters..."), Key(KEY), Broker(server.url())
    signed = key.signed(Purpose.ORDER, order)
    forged: list[Any] = [
        strange.signed(Purpose.ORDER, order),
        key.signed(Purpose.REPLY, order),
        signed.replace("echo forged", "echo forger"),
        5,
    ]
    with worker(tmp_path, server.url(), "default") as working, attacker.connected() as line:
        for message in forged:
            line.order(attacker.app(), of, message, 20)
        wait_until(lambda: working.said.count("an order was left alone") == len(forged), "orders left alone")
        assert not (tmp_path / "times").exists()
        line.order(attacker.app(), of, signed, 20)
        working.wait_for("results are sent")
        again = {"of": {**order["of"], "attempt": 2}, "texts": {**order["texts"], "opscheck.toml/x.toml": ""}}
        line.order(attacker.app(), of, key.signed(Purpose.ORDER, {**order, **again}), 20)
        working.wait_for("File exists")  # what can't be written is told, as by a full disk
    assert (tmp_path / "times").read_text() == "forged\n", "the key alone makes the difference"


def test_an_order_that_comes_again_is_not_run_again(server: Redis, tmp_path: Path) -> None:
    inventory, hold = held(tmp_path)
    checks = Checks.of(tmp_path / "checks", server.url(), inventory)
    with checks.started() as run:
        wait_until(lambda: server.client.llen("opscheck.default") == 1, "the order")
        order = server.client.lindex("opscheck.default", 0)
        assert isinstance(order, bytes)
        with worker(tmp_path, server.url(), "default") as working:
            hold.unlink()
            assert run.ended() == 0, run.said
            server.client.lpush("opscheck.default", order)
            working.wait_for("its order came again, and was left alone")
    assert (tmp_path / "times").read_text() == "x\n"


def has_ended_child(pid: int) -> bool:
    """Tell whether a process has a child that has ended, of which it has not taken note."""
    return any(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z" for child in children(pid))


def test_a_result_that_is_late_changes_nothing(server: Redis, tmp_path: Path) -> None:
    """A worker that was not heard at the deadline is named; what it sends later is not waited for, and goes."""
    inventory, hold = held(tmp_path)
    checks = Checks.of(tmp_path / "checks", server.url(), inventory.replace("40s", "12s"))
    with worker(tmp_path, server.url(), "default") as working:
        with checks.started() as run:
            of = of_run(working)
            run.wait_for("is at it")
            working.process.send_signal(signal.SIGSTOP)
            assert run.ended() == 1, run.said
        reports = checks.results()["shard.reports@1/1"]
        assert reports["verdict"] == "breach"
        assert re.search(r"brought no results: .+ at the deadline", reports["message"])
        held_result = checks.results()["host.command.held@here"]
        assert held_result["verdict"] == "unknown"
        assert "at the deadline" in held_result["message"]
        hold.unlink()
        wait_until(lambda: has_ended_child(working.process.pid), "the end of the part")
        working.process.send_signal(signal.SIGCONT)
        working.wait_for("results are sent")
        left = server.client.ttl(f"opscheck.reply.{of['run']}")
        assert isinstance(left, int)
        assert 0 < left < 3600, "what nobody fetches goes by itself"
    assert checks.results()["shard.reports@1/1"]["verdict"] == "breach"


def test_a_run_that_is_stopped_ends_at_once_and_merges_nothing(server: Redis, tmp_path: Path) -> None:
    inventory, _ = held(tmp_path)
    checks = Checks.of(tmp_path / "checks", server.url(), inventory)
    for number in (signal.SIGINT, signal.SIGTERM):
        with checks.started() as run:
            run.wait_for("no worker has taken it yet; start one there: opscheck worker --from default")
            assert server.client.llen("opscheck.default") == 1
            run.process.send_signal(number)
            assert run.ended(5) == 2, run.said
            assert "nothing is merged" in run.said
    assert not server.client.exists("opscheck.default"), "nobody takes an order of a run that is no more"
    assert not (checks.folder / "reports/daily/latest.json").exists()


def test_a_worker_that_is_asked_to_end_says_so_and_another_takes_its_part(server: Redis, tmp_path: Path) -> None:
    inventory, hold = held(tmp_path)
    checks = Checks.of(tmp_path / "checks", server.url(), inventory)
    with checks.started() as run, worker(tmp_path, server.url(), "default") as first:
        run.wait_for("is at it")
        wait_until((tmp_path / "times").exists, "the command")
        first.process.send_signal(signal.SIGTERM)
        assert first.ended(5) == 0, first.said
        run.wait_for("its worker was asked to end; it is sent again, 2 of 3")
        hold.unlink()
        with worker(tmp_path, server.url(), "default"):
            assert run.ended() == 0, run.said


def test_what_workers_can_not_do_is_refused_before_anything_is_sent(server: Redis, tmp_path: Path) -> None:
    inventory, _ = held(tmp_path)
    checks = Checks.of(tmp_path / "checks", server.url(), inventory)
    unset = Checks(checks.folder, "redis://ops:canary@host:port")
    for project, words, said in (
        (checks, ["--through", "celery", "-n", "4"], "-n: workers run whole parts of a suite"),
        (checks, ["--through", "celery", "-qx"], "-qx: workers run whole parts of a suite"),
        (checks, ["--through=selery"], "--through selery: there is no such engine; there is celery"),
        (checks, ["--through", "celery", "--shards", "0"], "--shards 0: it is a number from 1 to 1000"),
        (unset, ["--through", "celery"], "OPSCHECK_BROKER is not the address of a broker"),
    ):
        ended = project.command("run", "daily", *words)
        assert ended.returncode == 4, ended.stdout + ended.stderr
        assert said in ended.stderr
        assert "canary" not in ended.stderr
    own = checks.folder / "more" / "test_own.py"
    own.parent.mkdir()
    for suite, is_refused in (("daily", True), ("weekly", False)):
        own.write_text(f"import pytest\npytestmark = pytest.mark.{suite}\ndef test_own(): assert False\n")
        ended = unset.command("run", "daily", "--through", "celery")
        assert ("more/test_own.py has tests of daily" in ended.stderr, ended.returncode) == (is_refused, 4)
    assert checks.command("gate", "--through", "celery").returncode == 4
    assert not list(checks.folder.glob("reports/daily/*.json"))


def test_a_broker_that_hangs_keeps_no_run_longer_than_its_deadline(tmp_path: Path) -> None:
    inventory, hold = held(tmp_path)
    with broker(tmp_path / "broker") as own:
        checks = Checks.of(tmp_path / "checks", own.url(), inventory.replace("40s", "12s"))
        with worker(tmp_path, own.url(), "default") as working, checks.started() as run:
            of_run(working)
            assert own.process is not None
            own.process.send_signal(signal.SIGSTOP)
            assert run.ended(40) == 1, run.said
            working.process.terminate()
            assert working.ended(8) == 0, working.said
            hold.unlink()
    reason = checks.results()["shard.reports@1/1"]["message"]
    assert re.search(r"does not do its work|had not been heard for \d+ s at the deadline", reason), reason


def test_a_broker_by_tls_is_verified_by_run_and_worker(tmp_path: Path) -> None:
    """Both by the authorities that this machine trusts; another one's certificate is none."""
    authority, port = trustme.CA(), free_port()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    inventory, hold = held(tmp_path)
    hold.unlink()
    options = ["--tls-port", str(port), "--tls-auth-clients", "no", "--requirepass", "canary-4"]
    options += [each for name in ("cert", "key") for each in (f"--tls-{name}-file", str(tmp_path / "server.pem"))]
    url = f"rediss://:canary-4@127.0.0.1:{port}/0"
    trusting = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
    with broker(tmp_path / "broker", options=[*options, "--tls-ca-cert-file", str(tmp_path / "ca.pem")]):
        checks = Checks.of(tmp_path / "checks", url, inventory.replace("40s", "20s"), **trusting)
        with worker(tmp_path, url, "default", env=trusting) as working:
            ended = checks.run("-q")
            assert (ended.process.returncode, ended.said) == (0, ""), ended.said + working.said
        strange = Checks(checks.folder, url, {"SSL_CERT_FILE": str(tmp_path / "other.pem")})
        with strange.started() as run:
            run.wait_for("certificate verify failed")
            run.process.terminate()
            assert run.ended(8) == 2
    assert "canary" not in ended.said + working.said + run.said


def test_without_celery_it_says_what_to_install(tmp_path: Path) -> None:
    inventory, _ = held(tmp_path)
    checks = Checks.of(tmp_path / "checks", "redis://127.0.0.1/", inventory)
    (tmp_path / "celery.py").write_text("raise ImportError('not here')", encoding="utf-8")
    without = Checks(checks.folder, checks.url, {"PYTHONPATH": str(tmp_path)})
    for words in (("run", "daily", "--through", "celery"), ("worker",)):
        ended = without.command(*words)
        assert ended.returncode == 4, ended.stdout + ended.stderr
        assert "Celery is not installed here: pip install 'pytest-opscheck[celery]'" in ended.stderr


@pytest.mark.parametrize("name", ["OPSCHECK_KEY", "OPSCHECK_BROKER"])
def test_a_worker_without_a_key_or_a_broker_does_not_start(name: str, tmp_path: Path) -> None:
    inventory, _ = held(tmp_path)
    checks = Checks.of(tmp_path / "checks", "redis://127.0.0.1/", inventory, **{name: ""})
    for words in (("run", "daily", "--through", "celery"), ("worker",)):
        ended = checks.command(*words)
        assert ended.returncode == 4, ended.stdout + ended.stderr
        assert f"the environment variable {name} is not set" in ended.stderr
    wrong = checks.command("worker", "--from", "../x")
    assert wrong.returncode == 4
    assert "'../x' can't be a name" in wrong.stderr
