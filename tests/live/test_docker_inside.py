"""What happens inside of containers, on a real engine: commands, logs, restarts and memory, in either way."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Outcome, Run
from .processes import wait_until
from .sshd import Sshd, sshd
from .test_docker import WAYS, Project, engine, health, project, same  # noqa: F401 - a fixture

GATE = "deploy_gate"


def ask(name: str, **keys: object) -> str:
    said = "".join(f"{key} = {value!r}\n" for key, value in keys.items())
    return f"[docker.TARGET.exec.{name}]\n{said}"


def processes(container: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in engine("top", container, "-eo", "pid,args").splitlines()[1:]]


def test_a_command_inside_of_a_container(run: Run, project: Project) -> None:  # noqa: F811
    script = "echo 2026.10 > /version; trap 'exit 0' TERM; while :; do sleep 1; done"
    api = project.start("api", script)
    engine("wait", project.start("api", "exit 0", "--label", "x=1", number=0))
    name = f"{project.name}-api-1"
    asked = (
        ask("version", service="api", run="cat /version", stdout="== 2026.11")
        + ask("exact", service=name, run=["cat", "/version"], stdout="~ ^2026")
        + ask("words", service="api", run=["printf", "%s|", "it's", "$HOME", "a b"], stdout="== it's|$HOME|a b|")
        + ask("number", service="api", run="echo 7; echo not this >&2", value="< 5", severity="P3")
        + ask("none", service="api", run="echo seven", value="< 5")
        + ask("status", service="api", run="echo no such table >&2; exit 3")
        + ask("expected", service="api", run="exit 124", exit="== 124")
        + ask("gone", service="worker", run="true")
        + ask("long", service="api", run="head -c 70000 /dev/zero | tr '\\0' x", stdout="~ x")
    )
    outcome = run(project.inventory(asked))
    assert same(outcome, "exec.version") == ("breach P1", "output is 2026.10, expected 2026.11")
    assert same(outcome, "exec.exact")[0] == same(outcome, "exec.words")[0] == same(outcome, "exec.expected")[0] == "ok"
    assert same(outcome, "exec.number") == ("breach P3", "value is 7, expected < 5")
    assert same(outcome, "exec.none") == ("unknown P1", "value: the output 'seven' is not one number")
    assert same(outcome, "exec.status") == ("breach P1", f"exit status in {name} is 3: no such table, expected 0")
    assert same(outcome, "exec.gone") == ("unknown P1", "unknown: worker has no container; there are api")
    assert same(outcome, "exec.long") == ("unknown P1", "unknown: it printed more than is read")
    engine("exec", api, "sh", "-c", "echo 2026.11 > /version")
    only = ask("version", service="api", run="cat /version", stdout="== 2026.11")
    assert same(run(project.inventory(only)), "exec.version")[0] == "ok"
    engine("stop", "--time", "5", api)
    outcome = run(project.inventory("up = { suites = ['daily'] }\n" + only))
    assert same(outcome, "exec.version") == (
        "blocked",
        "blocked by docker.up@T: no container of api runs: exited with status 0",
    )


def test_nothing_of_a_command_is_left_in_its_container(run: Run, project: Project) -> None:  # noqa: F811
    """Neither where its time is over nor where it ends and leaves something behind, in sessions of its own too."""
    api = project.start("api", "exec sleep 600")
    daemons = "setsid sleep 311 & (trap '' TERM HUP; sleep 312) & "
    asked = ask("hangs", service="api", run=f"{daemons} sleep 313", timeout="5s") + ask(
        "leaves", service="api", run=f"{{ {daemons} }} >/dev/null 2>&1; echo done", stdout="== done"
    )
    started = time.monotonic()
    outcome = run(project.inventory(asked))
    assert time.monotonic() - started < 20
    assert same(outcome, "exec.hangs")[0] == "unknown P1"
    assert f"it did not end in time and was ended in {project.name}-api-1" in same(outcome, "exec.hangs")[1]
    assert same(outcome, "exec.leaves") == ("ok", "all 2 as expected")
    wait_until(lambda: processes(api) == ["sleep 600"], "the end of all but the container's own process", seconds=3)


def test_a_command_that_could_not_be_ended_is_not_started(run: Run, project: Project) -> None:  # noqa: F811
    bare = project.start("bare", "rm /bin/sh; exec sleep 600")
    poor = project.start("poor", "rm /bin/grep; exec sleep 600")
    wait_until(lambda: processes(bare) == processes(poor) == ["sleep 600"], "containers without a shell or grep")
    asked = ask("bare", service="bare", run="/bin/touch /started") + ask("poor", service="poor", run="touch /started")
    outcome = run(project.inventory(asked))
    verdict, message = same(outcome, "exec.bare")
    assert verdict == "unknown P1"
    why = "without which a command could not be ended there"
    assert message == f"unknown: {project.name}-bare-1 has no shell (sh), {why}"
    assert same(outcome, "exec.poor")[1] == f"unknown: {project.name}-poor-1 has no grep, {why}"
    assert "/started" not in engine("diff", bare) + engine("diff", poor)


def logs(name: str, pattern: str, expect: str, **keys: object) -> str:
    said = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f"[docker.TARGET.logs.{name}]\npattern = '{pattern}'\nexpect = '{expect}'\n{said}"


WRITES = "while :; do while read -r line; do echo $line; done < /in; done"


def test_lines_since_a_start_a_moment_or_among_the_last(run: Run, project: Project) -> None:  # noqa: F811
    api = project.start(
        "api", f"echo running on port 8000; echo Slow Query; mkfifo /in; {WRITES}", "--stop-signal", "KILL"
    )
    project.start("worker", "echo AgentTimeoutError; sleep 600")

    def lines() -> int:
        return len(engine("logs", api).splitlines())

    wait_until(lambda: lines() == 2, "the first lines")
    name = project.name
    asked = (
        logs("slow", "slow query", "== 0/day", ignore_case="true", services='["api"]')
        + logs("agent", "Agent.*Error", "== 0", since="'4h'")
        + logs("agent_api", "Agent.*Error", "== 0/day", services='["api"]')
        + logs("started", "running on port 8000", ">= 1", since="'start'", services='["api"]')
        + logs("gone", "x", "== 0/h", services='["gone"]')
        + logs("future", "x", "== 0", since="2999-01-01T00:00:00Z")
    )
    outcome = run(project.inventory(asked))
    shorter = f" (shorter logs: {name}-api-1)"
    assert same(outcome, "logs.slow") == (
        "breach P2",
        f"lines with slow query ({name}-api-1 1) is 1/day{shorter}, expected 0/day",
    )
    assert same(outcome, "logs.agent")[0] == "breach P2"
    assert same(outcome, "logs.agent")[1].startswith(
        f"lines with Agent.*Error ({name}-worker-1 1) is 1 (shorter logs: "
    )
    assert same(outcome, "logs.agent_api")[0] == "ok"
    assert same(outcome, "logs.started") == ("ok", f"lines with running on port 8000 since {name}-api-1's start is 1")
    assert same(outcome, "logs.gone") == ("unknown P2", "gone: it has no container")
    assert same(outcome, "logs.future")[0] == "unknown P2"
    assert "no line can be that new" in same(outcome, "logs.future")[1]

    # A start that says nothing, though the start before it did; and what comes after a deploy, and after 100 lines.
    engine("exec", api, "sh", "-c", "rm /in")
    engine("restart", "--time", "0", api)
    wait_until(lambda: lines() == 4, "the lines of the second start")
    deployed = dt.datetime.now(dt.UTC).isoformat()
    said = (
        logs("started", "running on port 9000", ">= 1", since="'start'", services='["api"]')
        + logs("again", "running on port 8000", "== 1", since="'start'", services='["api"]')
        + logs("deploy", "Slow", "== 0", since="'${DEPLOYED_AT}'", last=100, services='["api"]')
        + logs("last", "ERROR", "== 0", last=100, services='["api"]')
    )
    before = run(project.inventory(said), env={"DEPLOYED_AT": deployed})
    assert same(before, "logs.started")[0] == "breach P2"
    assert [same(before, f"logs.{each}")[0] for each in ("again", "deploy", "last")] == ["ok", "ok", "ok"]
    engine("exec", api, "sh", "-c", "{ echo Slow; echo ERROR; } > /in")
    wait_until(lambda: lines() == 6, "two lines")
    after = run(project.inventory(said), env={"DEPLOYED_AT": deployed})
    assert [same(after, f"logs.{each}")[0] for each in ("deploy", "last")] == ["breach P2", "breach P2"]
    engine("exec", api, "sh", "-c", "seq 100 > /in")
    wait_until(lambda: lines() == 106, "a hundred lines")
    later = run(project.inventory(said), env={"DEPLOYED_AT": deployed})
    assert [same(later, f"logs.{each}")[0] for each in ("deploy", "last")] == ["ok", "ok"]


def test_which_lines_count_has_to_be_said(run: Run) -> None:
    text = '[docker.TARGET]\nproject = "a"\n' + "".join(
        (
            logs("none", "x", "== 0"),
            logs("both", "x", "== 0/day", since="'start'"),
            logs("zone", "x", "== 0", since="2026-11-20T09:00:00"),
            logs("word", "x", "== 0", since="'yesterday'"),
            logs("last", "x", "== 0", last=0),
        )
    )
    outcome = run(text)
    assert outcome.exit_status == 4
    for said in (
        "logs.none: it does not say which lines count",
        "the limit is a rate, which says how far back lines count",
        "this time has no zone",
        "'yesterday' is not a time; use a length of time such as '4h'",
        "logs.last.last: ",
    ):
        assert said in outcome.output, outcome.output


def test_a_process_that_was_killed_for_lack_of_memory(run: Run, project: Project) -> None:  # noqa: F811
    """Also where the container runs on, as its first process was not the one."""
    grow = "perl -e '$n = 200_000_000; $x = \"x\" x $n'"
    api = project.start("api", f"{grow}; sleep 600", "--memory", "24m", "--memory-swap", "24m")
    project.start("db")
    wait_until(lambda: "sleep 600" in processes(api), "the end of the process that grows")
    outcome = run(project.inventory("oom_killed = true\nup = true", 'oom_killed = { P1 = "< 9" }'))
    assert same(outcome, "oom_killed") == (
        "breach P2",
        f"how often {project.name}-api-1 ran out of memory is 1, expected 0",
    )
    assert same(outcome, "up")[0] == same(outcome, "oom_killed", 1)[0] == "ok"
    engine("rm", "--force", project.ids.pop(0))
    project.start("api", "sleep 600", "--memory", "24m", number=2)
    assert same(run(project.inventory("oom_killed = true")), "oom_killed") == ("ok", "all 2 as expected")


STILL = ("still starting", "still unhealthy")


def shown(outcome: Outcome, number: int) -> tuple[str, str]:
    """Return verdict and message of the recovery, without figures and states: they differ a little between the ways."""
    found = {
        (outcome.verdict(f"docker.recovery@{way}{number}"), outcome.message(f"docker.recovery@{way}{number}"))
        for way in WAYS
    }
    (said,) = {
        (verdict, re.sub(r"(?<![-\w])[\d.]+(?= )", "N", message.partition(", expected")[0]).replace(*STILL))
        for verdict, message in found
    }
    return said


def check(script: str, seconds: str = "1s") -> tuple[str, ...]:
    return ("--health-cmd", script, "--health-interval", seconds, "--health-retries", "1", "--health-timeout", "2s")


def test_a_service_that_recovers_too_late(run: Run, project: Project) -> None:  # noqa: F811
    late = "sleep 8; touch /ready; sleep 600"
    quick = project.start("quick", "touch /ready; sleep 600", *check("test -f /ready"))
    slow = project.start("slow", late, *check("test -f /ready"))
    project.start("none")
    # So seldom that the engine keeps all its checks: events are forgotten soon where others use the engine too.
    never = project.start("never", "sleep 600", *check("false", "4s"))
    name = project.name
    expects = (
        'recovery = { within = "< 2500ms", services = ["quick", "slow"] }',
        'recovery = { P3 = "< 1s", P1 = "< 30s", services = ["slow"] }',
        'recovery = { within = "< 60s", services = ["none", "gone"] }',
        'recovery = { within = "< 6s", services = ["never"] }',
        'recovery = { within = "< 60s", services = ["never"], timeout = "12s" }',
    )
    outcome = run(project.inventory(*expects), suite=GATE)
    subject = f"{name}-slow-1's time from start to healthy"
    assert shown(outcome, 0) == ("breach P2", f"{subject} is not over after N s (unhealthy)")
    assert shown(outcome, 1) == ("breach P3", f"{subject} is N s")
    took = outcome["docker.recovery@api1"]["measurements"][0]["value"]
    assert 8 < took < 14
    assert same(outcome, "recovery", 2) == (
        "unknown P2",
        (
            f"{name}-none-1's time from start to healthy: it has no health check, so it is unknown when it was ready; "
            "gone's time from start to healthy: it has no container"
        ),
    )
    subject = f"{name}-never-1's time from start to healthy"
    assert shown(outcome, 3) == ("breach P2", f"{subject} is not over after N s (unhealthy)")
    why = "it is still unhealthy after N s; a longer `timeout` waits for it"
    assert shown(outcome, 4) == ("unknown P2", f"{subject}: {why}")
    engine("restart", "--time", "0", never)
    # Its start leaves the time that `since` looks back on while it is waited for.
    waited = run(project.inventory('recovery = { within = "< 15s", services = ["never"], since = "15s" }'), suite=GATE)
    assert shown(waited, 0) == ("breach P2", f"{subject} is not over after N s (unhealthy)")
    engine("exec", slow, "touch", "/ready")
    engine("restart", "--time", "0", slow, quick)
    engine("rm", "--force", never)
    project.ids.remove(never)
    mended = run(project.inventory('recovery = { within = "< 30s", services = ["quick", "slow"] }'), suite=GATE)
    assert same(mended, "recovery")[0] == "ok"
    before = run(project.inventory('recovery = { within = "< 60s", since = "1s" }'), suite=GATE)
    assert same(before, "recovery") == ("ok", "no container was started within the last 1 s")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as started:
        yield started


def test_an_engine_over_ssh_and_one_by_its_url(run: Run, project: Project, server: Sshd, tmp_path: Path) -> None:  # noqa: F811
    """All that there is of the kind, over a real sshd in one command, and through an engine's url."""
    api = project.start("api", "echo ready; touch /ready; sleep 600", "--env", "KEY=1", *check("test -f /ready"))
    wait_until(lambda: health(api) == "healthy", "a healthy container")
    target = """
[docker.TARGET]
project = "PROJECT"
WAY
[docker.TARGET.expect]
version = ">= 20.10"
replicas = { api = 1 }
env = { api = ["KEY"] }
image = { api = "debian:bookworm-slim" }
recovery = "< 30s"
limits = { cpus = 2 }
cpu = { P3 = "< 500%", suites = ["deploy_gate"] }
oom_killed = { suites = ["deploy_gate"] }
disk = { P3 = "< 100TB", suites = ["deploy_gate"] }
[docker.TARGET.exec.yes]
service = "api"
run = "true"
suites = ["deploy_gate"]
[docker.TARGET.logs.ready]
pattern = "ready"
since = "start"
expect = ">= 1"
suites = ["deploy_gate"]
"""
    text = f'[host.prod]\nconnect = "{server.connect()}"\n'
    text += "expect = { disk = false, memory = false, load = false, cpu = false }\n"
    for name, way in {"there": 'on = "prod"', "url": 'url = "unix:///var/run/docker.sock"'}.items():
        text += target.replace("TARGET", name).replace("PROJECT", project.name).replace("WAY", way)
    before = len(server.commands)
    outcome = run(text, suite=GATE)
    assert len(server.commands) - before == 1
    verdicts = {result_id: outcome.verdict(result_id) for result_id in outcome.results}
    red = {result_id for result_id, verdict in verdicts.items() if verdict != "ok"}
    assert red == {"docker.limits@there", "docker.limits@url"}, [outcome.message(each) for each in red]
    assert len(verdicts) == 2 * 14 + 1
