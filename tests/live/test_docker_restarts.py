"""Containers in a loop of restarts, met while they are up, through the engine's API and a host's docker command."""

from __future__ import annotations

import re

from .conftest import Run
from .processes import wait_until
from .test_docker import WAYS, Project, engine, health, project, same, state

__all__ = ["project"]
CHECK = ("--restart", "always", "--health-cmd", "true", "--health-interval", "300ms")


def restarts(container: str) -> int:
    return int(engine("inspect", "--format", "{{.RestartCount}}", container))


def test_a_loop_of_restarts_is_not_up_and_one_restart_long_ago_is(run: Run, project: Project) -> None:
    """A health check says healthy soon after each start, so that both states look well in most of the looks."""
    once = project.start("once", "[ -f /ok ] || { touch /ok; exit 3; }; sleep 600", *CHECK)
    loop = project.start("loop", "sleep 12; exit 3", *CHECK)
    wait_until(lambda: restarts(once) == 1 and restarts(loop) > 0, "restarts")
    wait_until(lambda: health(loop) == health(once) == "healthy" and state(loop) == "running", "healthy containers")
    outcome = run(project.inventory("up = true\nhealthy = true\nreplicas = { loop = 1, once = 1 }"), suite="daily")
    for way in WAYS:
        for check, subject in (("up", "loop"), ("healthy", f"{project.name}-loop-1")):
            message = outcome.message(f"docker.{check}@{way}0")
            assert outcome.verdict(f"docker.{check}@{way}0") == "breach P1"
            assert re.match(rf"{subject} is restart(ed|ing) .*, expected (running|healthy)\Z", message), message
    assert same(outcome, "replicas") == ("breach P1", "number of loop's running containers is 0, expected 1")


def test_tasks_that_a_swarm_has_replaced_do_not_count(run: Run, project: Project) -> None:
    """The engine keeps some of each place, with an exit status: what counts is the latest container in it."""
    tasks = []
    for number, script in (("1.a", "exit 1"), ("1.b", "sleep 600"), ("2.c", "sleep 600"), ("2.d", "exit 1")):
        labels = {"service.name": f"{project.name}_web", "task.name": f"{project.name}_web.{number}"}
        said = [word for key, value in labels.items() for word in ("--label", f"com.docker.swarm.{key}={value}")]
        tasks.append(project.start(f"t{number[0]}{number[-1]}", script, *said, "--health-cmd", "true"))
    wait_until(lambda: [state(each) for each in (tasks[0], tasks[3])] == ["exited", "exited"], "the end of two tasks")
    which = f'labels = ["com.docker.swarm.service.name={project.name}_web"]'
    expect = f"up = true\nreplicas = {{ {project.name}_web = 2 }}"
    outcome = run(project.inventory(expect, which=which), suite="daily")
    assert same(outcome, "up") == ("ok", f"{project.name}_web is running")
    assert same(outcome, "replicas")[1] == f"number of {project.name}_web's running containers is 1, expected 2"
    engine("rm", "--force", tasks[3])
    project.ids.remove(tasks[3])
    assert same(run(project.inventory(expect, which=which), suite="daily"), "replicas")[0] == "ok"
