"""A Docker engine, a real one: each check red by its fault, and green again, through the API and a host's command."""

from __future__ import annotations

import json
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_opscheck.core.look import Look

from .conftest import Outcome, Run
from .processes import program, wait_until

IMAGE = "debian:bookworm-slim"
WAYS = ("api", "command")
LABEL = "com.docker.compose"
QUIET_HOST = '[host.here]\nconnect = "local://"\nexpect = { disk = false, memory = false, load = false, cpu = false }\n'


def engine(*arguments: str) -> str:
    done = subprocess.run([program("docker"), *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class Project:
    """A Compose project of a name that nobody else has: containers labelled as Compose labels its own."""

    name: str = field(default_factory=lambda: f"opscheck-{secrets.token_hex(4)}")
    ids: list[str] = field(default_factory=list)

    def start(self, service: str, script: str = "sleep 600", *options: str, needs: str = "", number: int = 1) -> str:
        labels = {"project": self.name, "service": service, "oneoff": "False", "depends_on": needs}
        said = [word for key, value in labels.items() for word in ("--label", f"{LABEL}.{key}={value}")]
        name = f"{self.name}-{service}-{number}"
        self.ids.append(engine("run", "--detach", "--name", name, *said, *options, IMAGE, "sh", "-c", script))
        return self.ids[-1]

    def inventory(self, *expects: str, which: str = "") -> str:
        """Return an inventory: the containers reached in either way, once for each of `expects`; the rest is off."""
        return inventory(*((which or f'project = "{self.name}"', expect) for expect in expects))


def inventory(*targets: tuple[str, str]) -> str:
    """Return an inventory of targets, each as the containers that it means and what is expected, in either way.

    What is expected may go on with tables of its own: [docker.TARGET.exec.NAME].
    """
    text = QUIET_HOST
    for number, (which, expect) in enumerate(targets):
        off = {"up", "healthy", "errors", "restarts", "memory", "oom_killed"}
        off -= set(re.findall(r"^(\w+) =", expect, re.MULTILINE))
        plain, bracket, named = expect.partition("[docker.TARGET")
        said = plain + "".join(f"\n{name} = false" for name in sorted(off)) + "\n" + bracket + named
        for way, on in zip(WAYS, ("", 'on = "here"\n'), strict=True):
            text += f"[docker.{way}{number}]\n{which}\n{on}[docker.{way}{number}.expect]\n"
            text += said.replace("TARGET", f"{way}{number}") + "\n"
    return text


@pytest.fixture
def project() -> Iterator[Project]:
    made = Project()
    yield made
    if made.ids:
        engine("rm", "--force", *made.ids)


def state(container: str) -> str:
    return engine("inspect", "--format", "{{.State.Status}}", container)


def health(container: str) -> str:
    return engine("inspect", "--format", "{{.State.Health.Status}}", container)


def same(outcome: Outcome, check: str, number: int = 0) -> tuple[str, str]:
    """Return verdict and message of a check, which have to be the same whichever way the engine was asked."""
    ids = [f"docker.{check}@{way}{number}" for way in WAYS]
    first, second = (
        (outcome.verdict(each), outcome.message(each).replace(each.partition("@")[2], "T")) for each in ids
    )
    assert first == second
    return first


def test_services_that_are_missing_exited_or_one_off_are_not_up(run: Run, project: Project) -> None:
    project.start("api", needs="db:service_healthy:false,migrate:service_completed_successfully:false")
    migrate = project.start("migrate", "exit 0")
    dead = project.start("worker", "exit 4")
    project.start("shell", "sleep 600", "--label", f"{LABEL}.oneoff=True")
    wait_until(lambda: (state(dead), state(migrate)) == ("exited", "exited"), "the end of two containers")
    outcome = run(project.inventory("up = true", 'up = ["api", "shell", "cache"]'), suite="smoke")
    assert same(outcome, "up") == (
        "breach P1",
        "db is missing, expected running; worker is exited with status 4, expected running",
    )
    assert same(outcome, "up", 1)[1] == "shell is missing, expected running; cache is missing, expected running"
    project.start("db")
    engine("rm", dead)
    outcome = run(project.inventory("up = true", 'up = ["api"]'), suite="smoke")
    assert same(outcome, "up") == ("ok", "all 3 as expected")
    assert same(outcome, "up", 1) == ("ok", "api is running")
    assert outcome.exit_status == 0


def test_one_running_container_is_enough_and_a_paused_one_does_not_run(run: Run, project: Project) -> None:
    first, second = project.start("api"), project.start("api", number=2)
    engine("kill", first)
    assert same(run(project.inventory("up = true"), suite="smoke"), "up") == ("ok", "api is running")
    engine("pause", second)
    outcome = run(project.inventory("up = true"), suite="smoke")
    assert same(outcome, "up") == (
        "breach P1",
        "api is exited with status 137, killed and paused, expected running",
    )


def test_nothing_found_is_a_breach_and_blocks_what_looks_at_containers(run: Run, project: Project) -> None:
    expect = 'up = true\nhealthy = 2\nrestarts = true\nmemory = true\ncpu = "< 50%"\nerrors = true'
    outcome = run(project.inventory(expect))
    said = (
        rf"project {project.name} is missing \((there are [^()]+|the engine has no Compose project)\), expected running"
    )
    assert same(outcome, "up")[0] == "breach P1"
    assert re.fullmatch(said, same(outcome, "up")[1])
    assert same(outcome, "healthy")[1].startswith("number of healthy services is 0, expected 2")
    for check in ("restarts", "memory", "cpu", "errors"):
        assert same(outcome, check)[0] == "blocked"
        assert same(outcome, check)[1].startswith("blocked by docker.up@T: no container of project")


def test_what_is_missing_says_what_there_is(run: Run, project: Project) -> None:
    """The engine's own projects or containers, ten at most: those here are the first of all by their names."""
    project.name = f"0-{secrets.token_hex(4)}"
    for number in range(11):
        project.start("api", number=10 + number)
    name = f"{project.name}-api"
    asked = (f'project = "{project.name}x"', f'names = ["{name}-10", "{name}-99"]')
    outcome = run(inventory(*((which, "up = true") for which in asked)), suite="smoke")
    first = f"project {project.name}x is missing (there are {project.name}"
    assert same(outcome, "up")[1].startswith(first)
    ten = ", ".join(f"{name}-{10 + number}" for number in range(10))
    assert same(outcome, "up", 1)[1] == f"{name}-99 is missing (there are {ten}, ...), expected running"


def test_starting_unhealthy_and_health_less_containers_are_not_healthy(run: Run, project: Project) -> None:
    probe = ("--health-interval", "500ms", "--health-retries", "1", "--health-cmd", "test -f /tmp/fine")
    api = project.start("api", "touch /tmp/fine; sleep 600", *probe)
    project.start("worker", "sleep 600", "--health-cmd", "true", "--health-interval", "60s")
    project.start("cache")
    wait_until(lambda: health(api) == "healthy", "a healthy container")
    outcome = run(project.inventory("healthy = 1", 'healthy = ">= 3"'), suite="smoke")
    assert same(outcome, "healthy")[0] == "ok"
    message = (
        "number of healthy services is 1, expected >= 3; cache is without a health check, expected healthy; "
        "worker is starting, expected healthy"
    )
    assert same(outcome, "healthy", 1) == ("breach P1", message)
    engine("exec", api, "rm", "/tmp/fine")
    wait_until(lambda: health(api) == "unhealthy", "an unhealthy container")
    which = f'project = "{project.name}"'
    only = f'names = ["{project.name}-cache-1"]'
    red = run(inventory((which, "healthy = true"), (only, "healthy = true")), suite="smoke")
    names = [f"{project.name}-{each}, expected healthy" for each in ("api-1 is unhealthy", "worker-1 is starting")]
    assert same(red, "healthy") == ("breach P1", "; ".join(names))
    assert same(red, "healthy", 1)[0] == "unknown P1"
    assert "no container has a health check" in same(red, "healthy", 1)[1]
    engine("exec", api, "touch", "/tmp/fine")
    engine("rm", "--force", project.ids.pop(1))
    wait_until(lambda: health(api) == "healthy", "a healthy container")
    assert same(run(project.inventory("healthy = true"), suite="smoke"), "healthy")[0] == "ok"


def test_an_end_for_lack_of_memory_is_named(run: Run, project: Project) -> None:
    grow = "perl -e '$n = 200_000_000; $x = \"x\" x $n; sleep 600'"
    project.start("api", f"exec {grow}", "--memory", "24m", "--memory-swap", "24m", "--health-cmd", "true")
    wait_until(lambda: state(project.ids[0]) == "exited", "the end of the container")
    outcome = run(project.inventory("up = true\nhealthy = 1"), suite="smoke")
    assert "api is exited with status 137, out of memory" in same(outcome, "up")[1]
    assert "api is exited with status 137, out of memory" in same(outcome, "healthy")[1]


def test_restarts_are_counted_by_container(run: Run, project: Project) -> None:
    loop = project.start("worker", "exit 3", "--restart", "always")
    wait_until(lambda: int(engine("inspect", "--format", "{{.RestartCount}}", loop)) > 6, "the seventh restart")
    wait_until(lambda: state(loop) == "restarting", "the pause of 12 seconds after it")
    outcome = run(project.inventory('restarts = "< 5"'))
    for way in WAYS:
        assert outcome.verdict(f"docker.restarts@{way}0") == "breach P2"
        message = outcome.message(f"docker.restarts@{way}0")
        assert re.search(rf"{project.name}-worker-1's restart count is \d+, expected < 5", message)
        assert f"{project.name}-worker-1 is restarting after exit status 3, expected running" in message
    again = run(project.inventory('restarts = "< 5"'))
    for way in WAYS:
        counted = again[f"docker.restarts@{way}0"]["measurements"][0]
        assert counted["value"] < 5, "since the last run"
        assert re.fullmatch(r"\d \(in the last \d+ (s|min)\)", counted["observed"])
    engine("rm", "--force", project.ids.pop())
    project.start("worker")
    assert same(run(project.inventory("restarts = true")), "restarts")[0] == "ok"


def test_a_container_that_was_made_anew_counts_anew(run: Run, project: Project) -> None:
    """It has restarted more often than the one before of that name had when the last run looked."""
    for restarts, verdict in ((2, "breach P2"), (3, "breach P2")):
        worker = project.start("worker", "exit 3", f"--restart=on-failure:{restarts}")
        wait_until(lambda worker=worker: state(worker) == "exited", "the end of its restarts")  # type: ignore[misc]
        outcome = run(project.inventory('restarts = "< 2"'))
        for way in WAYS:
            assert outcome.verdict(f"docker.restarts@{way}0") == verdict
            assert f"restart count is {restarts}" in outcome.message(f"docker.restarts@{way}0")
        engine("rm", "--force", project.ids.pop())


def test_memory_and_processors_as_docker_stats_counts_them(run: Run, project: Project) -> None:
    hold = "perl -e '$n = 97_000_000; $x = \"x\" x $n; sleep 600'"
    full = project.start("full", f"exec {hold}", "--memory", "100m", "--memory-swap", "100m")
    project.start("busy", "while :; do :; done", "--cpus", "0.5")
    project.start("free")
    used = Path("/proc") / engine("inspect", "--format", "{{.State.Pid}}", full) / "statm"
    wait_until(lambda: int(used.read_text().split()[1]) * 4096 > 97_000_000, "the container's memory")
    other = 'memory = { P2 = "< 30MB", P1 = "< 500MB" }\ncpu = { P3 = "< 15%", P1 = "< 95%" }'
    outcome = run(project.inventory("memory = true", other))
    for way in WAYS:
        name = f"{project.name}-full-1"
        assert outcome.verdict(f"docker.memory@{way}0") == "breach P3"
        assert re.fullmatch(rf"{name} is at 9\d\S* %, expected < 90 %", outcome.message(f"docker.memory@{way}0"))
        free = next(m for m in outcome[f"docker.memory@{way}0"]["measurements"] if "free" in m["subject"])
        assert free["subject"] == f"{project.name}-free-1 (no limit, of the host's memory)"
        assert 0 < free["value"] < 1
        assert outcome.verdict(f"docker.memory@{way}1") == "breach P2"
        assert outcome.message(f"docker.memory@{way}1").startswith(f"{name} is ")
        assert outcome.verdict(f"docker.cpu@{way}1") == "breach P3"
        assert outcome.message(f"docker.cpu@{way}1").startswith(f"{project.name}-busy-1 is at ")
        busy = next(m for m in outcome[f"docker.cpu@{way}1"]["measurements"] if "busy" in m["subject"])
        assert busy["value"] == pytest.approx(50, abs=30)
    engine("rm", "--force", project.ids.pop(0), project.ids.pop(0))
    outcome = run(project.inventory(other))
    assert {outcome.verdict(f"docker.{check}@{way}0") for way in WAYS for check in ("memory", "cpu")} == {"ok"}


LOGS = r"""
echo "ERROR one"; echo "ERROR two" >&2; echo "fine"; echo "error three"
printf 'ERROR four\r\n'; echo "ERROR but expected"
head -c 40000 /dev/zero | tr '\0' x; echo " ERROR at the end of a long line"
seq 1 30000; echo fine >&2; sleep 2; touch /tmp/done; sleep 600
"""


def test_errors_of_all_containers_are_counted_together(run: Run, project: Project) -> None:
    api, tty = project.start("api", LOGS), project.start("tty", "echo ERROR; touch /tmp/done; sleep 600", "--tty")
    project.start("quiet")
    wait_until(lambda: all("done" in engine("exec", each, "ls", "/tmp") for each in (api, tty)), "the logs' end")
    name = project.name
    expects = (
        'errors = { P2 = "< 5/day", P1 = "< 7/day" }',
        'errors = "< 10/day"',
        'errors = { P2 = "< 1/h", ignore_case = true, ignore = "expected$", pattern = "^error" }',
        "errors = { P2 = '< 1/h', pattern = '^ERROR\\b(?! but)', services = ['api', 'gone'] }",
        'errors = "< 1/s"',
    )
    outcome = run(project.inventory(*expects))
    shorter = f" (shorter logs: {name}-api-1, {name}-quiet-1, {name}-tty-1)"
    assert same(outcome, "errors") == (
        "breach P2",
        f"lines with ERROR ({name}-api-1 5, {name}-tty-1 1) is 6/day{shorter}, expected < 5/day",
    )
    assert same(outcome, "errors", 1)[0] == "ok"
    assert "is 5/h" in same(outcome, "errors", 2)[1]
    only = f" (shorter logs: {name}-api-1)"
    message = f"lines with ^ERROR\\b(?! but) ({name}-api-1 3) is 3/h{only}, expected < 1/h; gone: it has no container"
    assert same(outcome, "errors", 3) == ("breach P2", message)
    assert "is 0/s" in same(outcome, "errors", 4)[1]


def test_a_gate_counts_no_line_from_before_the_deploy(run: Run, project: Project, tmp_path: Path) -> None:
    container = project.start("api", "echo ERROR old; touch /tmp/done; sleep 600")
    wait_until(lambda: "done" in engine("exec", container, "ls", "/tmp"), "the first line")
    time.sleep(1.1)  # a host's clock is read in whole seconds
    deployed = time.time()
    ids = [f"docker.errors@{way}0" for way in WAYS]
    look = Look(frozenset(ids), {each: {"not_before": deployed} for each in ids})
    (tmp_path / "look.json").write_text(json.dumps(look.to_json()), encoding="utf-8")

    def values() -> list[Any]:
        asked = f"--opscheck-look={tmp_path / 'look.json'}", f"--opscheck-json={tmp_path / 'seen.json'}"
        run(project.inventory('errors = "< 5/day"'), *asked)
        results = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))["results"]
        return [measured["value"] for result in results for measured in result["measurements"]]

    wait_until(lambda: values() == [0, 0], "both ways to count nothing")
    engine("exec", container, "sh", "-c", "echo ERROR new > /proc/1/fd/1")
    wait_until(lambda: values() == [1, 1], "both ways to count what is new")


def test_a_log_that_cannot_be_read_is_unknown(run: Run, project: Project) -> None:
    project.start("api", "sleep 600", "--log-driver", "none")
    assert same(run(project.inventory('errors = "< 10/day"')), "errors") == (
        "unknown P2",
        f"{project.name}-api-1: its log can't be read: configured logging driver does not support reading",
    )


def test_containers_by_name_and_by_label(run: Run, project: Project) -> None:
    name = f"{project.name}-api-1"
    project.start("api", "sleep 600", "--label", "tier=web", "--label", f"of={project.name}")
    short = project.ids[0][:12]
    whiches = (
        f'names = ["{name}", "{short}"]',
        f'labels = ["tier=web", "of={project.name}"]',
        f'labels = {{ tier = "web", of = "{project.name}" }}',
        f'labels = ["tier=db", "of={project.name}"]',
    )
    outcome = run(inventory(*((which, "up = true") for which in whiches)), suite="smoke")
    assert same(outcome, "up")[0] == "breach P1"
    assert re.fullmatch(rf"{short} is missing \(there are [^()]+\), expected running", same(outcome, "up")[1])
    assert same(outcome, "up", 1) == same(outcome, "up", 2) == ("ok", f"{name} is running")
    missing = f"label tier=db, of={project.name} is missing, expected running"
    assert same(outcome, "up", 3) == ("breach P1", missing)


def test_a_gone_engine_fails_reachable_alone(run: Run, project: Project, tmp_path: Path) -> None:
    expect = 'up = true\nhealthy = true\nrestarts = true\nmemory = true\ncpu = "< 50%"\nerrors = true'
    gone = tmp_path / "gone.sock"
    outcome = run(project.inventory(expect), env={"DOCKER_HOST": f"unix://{gone}"})
    for way in WAYS:
        assert outcome.verdict(f"docker.reachable@{way}0") == "breach P0"
        assert str(gone) in outcome.message(f"docker.reachable@{way}0")
        for check in ("up", "healthy", "restarts", "memory", "cpu", "errors"):
            assert outcome.verdict(f"docker.{check}@{way}0") == "blocked"
            assert outcome[f"docker.{check}@{way}0"]["blocked_by"] == f"docker.reachable@{way}0"
    assert outcome.verdict("host.reachable@here") == "ok"
    assert "start the engine" in outcome.message("docker.reachable@api0")


def test_an_engine_that_says_nothing_is_not_waited_for(run: Run, project: Project, tmp_path: Path) -> None:
    path = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        expect = 'reachable = { timeout = "2s" }\nup = { timeout = "2s" }'
        outcome = run(project.inventory(expect), suite="smoke", env={"DOCKER_HOST": f"unix://{path}"})
    late = "no answer within 2 s; find out what slows it down (systemctl status docker)"
    assert outcome.message("docker.reachable@api0").endswith(late)
    assert outcome.message("docker.reachable@command0").endswith("the engine did not answer within 2 s")
    assert [outcome.verdict(f"docker.up@{way}0") for way in WAYS] == ["blocked", "blocked"]


def test_what_a_target_may_not_say_is_refused_before_anything_is_asked(run: Run) -> None:
    inventory = """
[docker.none]
[docker.two]
project = "a"
names = ["bb"]
[docker.empty]
labels = []
[docker.ways]
project = "a"
on = "here"
url = "unix:///run/docker.sock"
[docker.ssh]
project = "a"
url = "ssh://deploy@prod"
[docker.expect]
project = "a"
expect = { healthy = "< 70%", errors = { P2 = "< 1/day", pattern = "(" } }
[host.here]
"""
    outcome = run(inventory)
    assert outcome.exit_status == 4
    for said in (
        "one of project, names or labels is needed, to say which containers are meant",
        "one of project, names or labels is needed, not project and names",
        "labels is empty: nothing would be checked",
        "on and url are two ways to one engine; keep one of them",
        "set on = 'NAME' instead of a url",
        "it must be a number of services",
        "'(' is not a regular expression",
    ):
        assert said in outcome.output
