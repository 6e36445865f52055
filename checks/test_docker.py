from typing import Any

from pytest_opscheck import NEEDED, check, docker
from pytest_opscheck.core.ladders import Ladder
from pytest_opscheck.probes._commands import ExitParam, StdoutParam, ValueParam
from pytest_opscheck.probes._versions import VersionParam
from pytest_opscheck.probes.docker._history import TimeLimits, longest
from pytest_opscheck.probes.docker._settings import Bounds, ByService, Cpus, HealthyCount, ReplicaLimits, Size


@check(
    docker.reachable,
    limit="== engine",
    severity="P0",
    suites=("*",),
    action="Check whether the engine runs: systemctl status docker; journalctl -u docker -n 50",
)
def test_reachable(reachable, expect):
    """The Docker engine answers.

    Podman works in its place through its socket (`url = "unix:///run/podman/podman.sock"`), and with `on` through the
    docker command that podman-docker installs.

    Needs: access to the engine: `sudo usermod -aG docker USER`.

    Example:
        [docker.stack]
        project = "shop"
    """
    expect(reachable.target)


@check(
    docker.up,
    limit="== running",
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    takes="services",
    action="See why: {by_hand}; docker logs --tail 50 NAME; start it: docker compose up -d",
)
def test_up(up, expect):
    """Every service runs.

    A service runs if at least one of its containers does, in the engine's state `running`: one-off containers (`docker
    compose run`) do not count, nor do those that are paused or restarting. A container in a loop of restarts is
    `running` most of the time, so one that its restart policy has restarted counts once it has run for twice as long as
    it ran on average since it was created; but after one or two restarts at the latest after 1 min, and after more of
    them after 10 min. A service without any container is missing, which is only seen if the inventory names it (`up =
    ["api", "db"]`) or another service of the project depends on it. A service for whose completion another one waits
    (Compose's `service_completed_successfully`) may have ended with status 0. Where a job ends and nothing waits for
    it, name the services that have to run.

    Needs: access to the engine: `sudo usermod -aG docker USER`.

    Example:
        [docker.stack]
        project = "shop"
        [docker.stack.expect]
        up = ["api", "db", "worker"]
    """
    for service in up:
        limit = "== completed" if service.completed else None
        expect(service.state, subject=service.name, limit=limit, note=service.note)


@check(
    docker.healthy,
    limit="== healthy",
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    takes="count",
    asks={"counted": lambda count: count is not None},
    action="See what its health check says: docker inspect --format '{{json .State.Health}}' NAME",
)
def test_healthy(healthy, expect, *, count: HealthyCount | None = None):
    """Every container with a health check is healthy.

    With a number (`healthy = 8`), that many services are: a service is healthy if all of its containers run and their
    health checks say so. `starting` is not healthy yet, and a container without a health check is neither healthy nor
    unhealthy. One in a loop of restarts is not healthy, as `up` tells it.
    https://docs.docker.com/reference/dockerfile/#healthcheck

    Needs: access to the engine: `sudo usermod -aG docker USER`. Health checks in the images or the Compose file.

    Example:
        [docker.stack]
        project = "shop"
        [docker.stack.expect]
        healthy = 8
    """
    if count is None:
        for container in healthy.checked:
            expect(container.health_described, subject=container.name)
    elif not expect(healthy.healthy, subject="number of healthy services", limit=count):
        worst = expect.measurements[-1].breached
        for service in healthy.services:
            if not service.healthy and not service.completed:
                expect(service.health_described, subject=service.name, limit="== healthy", severity=worst)


@check(
    docker.errors,
    limit={"P2": "< 10/day"},
    units=("rate",),
    action="Read them: docker logs --since 24h NAME 2>&1 | grep ERROR",
)
def test_errors(errors, expect):
    """The containers log few errors.

    Lines of stdout and stderr of all containers, together, that match `pattern` (by default ERROR) and not `ignore`, in
    the limit's window up to now. The engine's time stamps count, not the lines' own. A replaced container takes its log
    with it, and rotation (max-size, max-file) drops the oldest lines: for a container younger than the window, or a log
    that does not reach back that far, the existing lines count. The engine's API is read in pieces: if a line is longer
    than 1 MiB and a pattern has a repeat (`*`, `+`, `{2}`) or a lookaround, a count that this may change is unknown.

    Needs: access to the engine: `sudo usermod -aG docker USER`; a log driver that can be read (json-file, local,
    journald).

    Example:
        [docker.stack]
        project = "shop"
        [docker.stack.expect]
        errors = { P2 = "< 10/day", pattern = "ERROR|FATAL", ignore = "ERROR: expected" }
    """
    most = f" ({errors.most})" if errors.most else ""
    if errors.counts:
        expect(errors.total, errors.unit, subject=f"lines with {errors.pattern}{most}", observed=errors.observed)
    for name, why in errors.unread:
        expect(None, errors.unit, subject=name, why=why)


@check(docker.restarts, limit={"P2": "< 5"}, action="See why it ends: docker logs --tail 100 NAME; docker inspect NAME")
def test_restarts(restarts, expect):
    """No container keeps restarting.

    The engine's RestartCount: restarts by its restart policy since the last run of the suite; at the first one, and of
    a container that is new, since it was created. A container that waits for its next restart right now is a breach,
    however few there were.

    Needs: access to the engine: `sudo usermod -aG docker USER`.

    Example:
        [docker.stack]
        project = "shop"
        [docker.stack.expect]
        restarts = { P2 = "< 3" }
    """
    for container in restarts:
        moved = expect.since_last_run(container.name, counted_by=container.id, restarts=container.restarts)
        expect(moved.by["restarts"], subject=f"{container.name}'s restart count", note=moved.since)
        if container.state == "restarting":
            expect(container.described, subject=container.name, limit="== running")


@check(
    docker.stats,
    limit={"P3": "< 90%"},
    units=("%", "B"),
    most="100%",
    action="Find what grows: docker stats; docker top NAME",
)
def test_memory(stats, expect):
    """Every container has memory left.

    What `docker stats` shows: usage without the inactive part of the page cache, of the container's limit. A container
    without a limit of its own can take all of the host's memory, so its percentage is of that.
    https://docs.docker.com/reference/cli/docker/container/stats/

    Needs: access to the engine: `sudo usermod -aG docker USER`.

    Example:
        [docker.stack]
        project = "shop"
        [docker.stack.expect]
        memory = { P3 = "< 90%", P1 = "< 98%" }
    """
    for usage in stats:
        why = None if usage.memory is not None else "the engine gives no memory figure; is the memory cgroup on?"
        subject = usage.container if usage.limited else f"{usage.container} (no limit, of the host's memory)"
        expect(usage.memory_percent, "%", subject=subject, also={"B": usage.memory}, why=why)


@check(docker.stats, units=("%",), severity="P3", action="Find what works: docker stats; docker top {subject}")
def test_cpu(stats, expect):
    """The containers leave processors free.

    What `docker stats` shows: processor time between two samples a second apart, in percent of one processor, so that a
    container that keeps two processors busy is at 200 %. https://docs.docker.com/reference/cli/docker/container/stats/

    Needs: access to the engine: `sudo usermod -aG docker USER`.

    Example:
        [docker.stack]
        project = "shop"
        [docker.stack.expect]
        cpu = { P3 = "< 80%" }
    """
    for usage in stats:
        why = None if usage.cpu is not None else "the engine gives no processor figure"
        expect(usage.cpu, "%", subject=usage.container, why=why)


@check(
    docker.version,
    takes="expected",
    formerly={"wanted": "expected"},
    units=("text",),
    suites=("deploy_gate",),
    action="Upgrade the engine",
)
def test_version(version, expect, *, expected: VersionParam = NEEDED):
    """The engine is of a version that is expected.

    The version of the server, not of the docker command, compared number by number (20.10 is newer than 20.9), in as
    many numbers as the limit has: `>= 20.10` holds for 20.10.24, and `== 20` too.

    Needs: access to the engine: `sudo usermod -aG docker USER`.

    Example:
        [docker.stack]
        project = "shop"
        expect = { version = ">= 20.10" }
    """
    expect(version, subject="the engine's version", limit=expected)


@check(
    docker.replicas,
    takes="services",
    asks={"services": lambda services: (*services,)},
    severity="P1",
    suites=("deploy_gate", "daily"),
    action="See why some don't run: docker ps -a; scale: docker compose up -d --scale SERVICE=N",
)
def test_replicas(replicas, expect, *, services: ReplicaLimits = NEEDED):
    """As many containers of each service run as are expected.

    Those in the engine's state `running`; one-off containers (`docker compose run`), paused and restarting ones, and
    those in a loop of restarts as `up` tells it, do not count. A service without any container has none.

    Needs: access to the engine: `sudo usermod -aG docker USER`.

    Example:
        [docker.stack]
        project = "shop"
        expect = { replicas = { backend = 3, celery = ">= 5" } }
    """
    for service in replicas:
        subject = f"number of {service.service}'s running containers"
        expect(service.running, subject=subject, limit=services[service.service])


@check(
    docker.limits,
    takes="services",
    suites=("deploy_gate",),
    action="Set them in the Compose file: cpus:, mem_limit:, or deploy.resources.limits, and recreate the containers",
)
def test_limits(limits, expect, *, cpus: Cpus | None = None, memory: Size | None = None, services: ByService = None):
    """The containers' CPU and memory limits are set, and as expected.

    What the engine enforces on each container: `--cpus` (or quota by period) and `--memory` of docker run. A missing
    limit is a breach, whatever is expected: without one a container may take everything that the host has.

    Needs: access to the engine: `sudo usermod -aG docker USER`.

    Example:
        [docker.stack]
        project = "shop"
        expect = { limits = { cpus = 2, memory = "4GiB", db = { memory = "<= 8GiB" } } }
    """
    named = services or {}
    known = {name for each in limits for name in (each.name, each.service)}
    for name, own in named.items():
        if name not in known:
            limit = own.cpus or own.memory or cpus or memory or "== set"
            expect(None, subject=name, limit=limit, why="it has no container")
    for each in limits:
        own = named.get(each.name) or named.get(each.service) or Bounds()
        _expect_bound(each.cpus, "", f"{each.name}'s bound of processors", own.cpus or cpus, expect)
        _expect_bound(each.memory, "B", f"{each.name}'s bound of memory", own.memory or memory, expect)


def _expect_bound(value: float | None, unit: str, subject: str, ladder: Ladder | None, expect: Any) -> None:
    """Compare one of a container's bounds with what is expected, if anything is."""
    if ladder is not None and value is None:
        expect("not set", subject=subject, limit="== set", severity=ladder.worst)
    elif ladder is not None:
        expect(value, unit, subject=subject, limit=ladder)


@check(
    docker.env,
    limit="== set",
    takes="names",
    suites=("deploy_gate",),
    action="Set it where the container gets it from (Compose's environment: or env_file:), and recreate the container",
)
def test_env(env, expect):
    """Named environment variables are set in the containers.

    A variable is set if the environment that the engine starts the container with contains it, and it is not empty. Its
    value is neither judged nor shown. What a container's own entry point exports, or reads from a secret's file, is not
    seen.

    Needs: access to the engine: `sudo usermod -aG docker USER`.

    Example:
        [docker.stack]
        project = "shop"
        expect = { env = { api = ["DATABASE_URL", "JWT_SECRET"] } }
    """
    for variable in env:
        expect(variable.state, subject=f"{variable.container}: {variable.name}", why=variable.why)


@check(
    docker.image,
    limit="== as expected",
    takes="services",
    severity="P1",
    suites=("deploy_gate",),
    action="Recreate the containers: docker compose up -d --force-recreate SERVICE",
)
def test_image(image, expect):
    """The running containers are of the images that are expected.

    Each running container of a service is compared by the image's id, so that one that still runs an older build of the
    same tag is a breach. What is expected is a name with a tag or digest, as it currently is on the engine's machine;
    an id (`sha256:...`, the first 12 digits or more); or a label of the image, as
    `org.opencontainers.image.revision=${GIT_COMMIT}`. Whether the registry has a newer build under that tag is not
    asked: check_docker did (its issues 40 and 65), and failed for rebuilds of base images that nobody had deployed.

    Needs: access to the engine: `sudo usermod -aG docker USER`.

    Example:
        [docker.stack]
        project = "shop"
        expect = { image = { api = "registry.example.com/shop/api:v1.2" } }
    """
    for running in image:
        expect(running.image, subject=running.subject, limit=f"== {running.expected}", why=running.why)


@check(
    docker.exec,
    limit="== 0",
    severity="P1",
    family=True,
    action="Run it by hand: docker exec NAME {asked}",
)
def test_exec(
    exec,  # noqa: A002 - the probe's name
    expect,
    *,
    exit: ExitParam = "== 0",  # type: ignore[assignment]  # noqa: A002 - the inventory's word
    stdout: StdoutParam | None = None,
    value: ValueParam | None = None,
):
    """A command in a service's container says that all is well.

    It runs in the service's first running container, by name, as that container's own user. `run` is a text for the
    container's shell, or a list: a program with its arguments. What is expected is its `exit` status, its `stdout`, or
    the number (`value`) that it prints. You are responsible for the command: it must not change anything. When its time
    is up (`timeout`, less 3 s) it is ended inside the container, with everything that it has started; docker itself
    leaves it running there (docker-py's issue 3155). Without a running container it is blocked by `docker.up`.

    Needs: access to the engine: `sudo usermod -aG docker USER`; in the container sh, grep and sleep.

    Example:
        [docker.stack]
        project = "shop"
        [docker.stack.exec.migrations]
        service = "api"
        run = ["python", "manage.py", "migrate", "--check"]
        [docker.stack.exec.model]
        service = "worker"
        run = "cat /srv/model/VERSION"
        stdout = "== 2026.11"
    """
    output = f": {exec.last_line}" if exec.last_line and exec.exit_status else ""
    observed = f"{exec.exit_status}{output}"
    expect(exec.exit_status, subject=f"exit status in {exec.container}", limit=exit, observed=observed)
    if stdout is not None:
        expect(exec.stdout.strip(), subject="output", limit=stdout)
    if value is not None:
        why = None if exec.number is not None else f"the output {exec.stdout[:40].strip()!r} is not one number"
        expect(exec.number, subject="value", limit=value, why=why)


@check(
    docker.logs,
    units=("rate", ""),
    family=True,
    action="Read them: docker logs --since TIME NAME 2>&1 | grep PATTERN",
)
def test_logs(logs, expect):
    """The containers' logs have as many lines of a kind as expected.

    Lines of stdout and stderr that match `pattern`, and not `ignore`, in all containers together or those of
    `services`. A rate (`== 0/day`) counts in its window up to now; a bare number since a time (`since`: "4h", a moment
    with its zone such as 2026-11-20T09:00:00Z, or "start", then for each container by itself), and among the `last`
    lines of each container. The engine's time stamps count, not the lines' own. A replaced container takes its log with
    it, and rotation drops the oldest lines: what there is counts, and the message names the containers that were made
    after that time. Lines longer than 1 MiB are as for `errors`.

    Needs: access to the engine: `sudo usermod -aG docker USER`; a log driver that can be read (json-file, local,
    journald).

    Example:
        [docker.stack]
        project = "shop"
        [docker.stack.logs.slow_queries]
        pattern = "slow query"
        ignore_case = true
        services = ["api"]
        expect = "== 0/day"
        [docker.stack.logs.started]
        pattern = "running on .*:8000"
        services = ["api"]
        since = "start"
        expect = ">= 1"
        suites = ["deploy_gate"]
    """
    subject = f"lines with {logs.pattern}"
    if logs.by_container:
        for name, count in logs.counts:
            expect(count, subject=f"{subject} since {name}'s start")
    elif logs.counts:
        most = f" ({logs.most})" if logs.most else ""
        expect(logs.total, logs.unit, subject=subject + most, observed=logs.observed)
    for name, why in logs.unread:
        expect(None, logs.unit, subject=name, why=why)


@check(
    docker.oom_killed,
    limit="== 0",
    action="See what takes the memory: docker stats; raise the container's limit: mem_limit: in the Compose file",
)
def test_oom_killed(oom_killed, expect):
    """No container ran out of memory.

    The engine's OOMKilled of the container's latest run, which is also set where the kernel killed a process other than
    its first; and the engine's `oom` events of the last day, as far back as it remembers: it keeps 256 events of all
    sorts, in memory, so that a kill before the latest restart may be forgotten. Podman remembers none: there only the
    last exit of each container is seen.

    Needs: access to the engine: `sudo usermod -aG docker USER`.

    Example:
        [docker.stack]
        project = "shop"
        expect = { oom_killed = { P1 = "== 0" } }
    """
    for kills in oom_killed:
        expect(kills.count, subject=f"how often {kills.container} ran out of memory")


@check(
    docker.recovery,
    takes="within",
    asks={"within": longest},
    suites=("deploy_gate",),
    action="See what it waits for: docker logs --tail 100 NAME; docker inspect --format '{{json .State.Health}}' NAME",
)
def test_recovery(recovery, expect, *, within: TimeLimits = NEEDED):
    """Every container that was started lately was healthy in time.

    From the container's latest start (StartedAt) to the end of its first successful health check. Nothing is restarted
    for this check: containers that were started in the last hour, or `since`, are judged, and the check waits for one
    that is not healthy yet, until the limit or the probe's `timeout` less 10 s has passed. The engine keeps the last
    five health checks and 256 events; if those no longer reach back to the start, the time to the oldest known success
    is an upper bound. A container without a health check is unknown.

    Needs: access to the engine: `sudo usermod -aG docker USER`; a health check in the image or Compose file.

    Example:
        [docker.stack]
        project = "shop"
        expect = { recovery = { within = "< 60s", since = "30m" } }
    """
    if not recovery.containers:
        observed = f"no container was started within the last {recovery.back_s:g} s"
        expect("none", observed=observed, limit="== none")
    for each in recovery.containers:
        late = each.seconds is not None and within.breached(each.seconds, "s") is not None
        why = each.why
        if each.at_most and late:
            why = "it is healthy, and the engine forgot since when; run this right after a start"
        elif each.state != "healthy" and not late:
            why = f"it is still {each.state} after {each.seconds:.0f} s; a longer `timeout` waits for it"
        expect(
            None if why else each.seconds,
            "s",
            subject=f"{each.container}'s time from start to healthy",
            limit=within,
            why=why,
            observed=None if why else each.observed,
        )


@check(
    docker.disk,
    severity="P3",
    units=("B", "%"),
    most="100%",
    suites=("weekly",),
    action="See what it is: docker system df -v; give it back: docker image prune -a, docker builder prune",
)
def test_disk(disk, expect):
    """Docker keeps little on its disk that nothing uses.

    What `docker system df` calls reclaimable: images without a container (and layers that they share with used ones:
    docker/cli's issue 1751), writable layers of containers that do not run, volumes that no container mounts, and build
    cache that is not in use. In bytes, or in percent of everything that the engine stores. Logs of containers are not
    included. Volumes contain data: look before you remove one.

    Needs: access to the engine: `sudo usermod -aG docker USER`; a large engine takes minutes to answer.

    Example:
        [docker.stack]
        project = "shop"
        expect = { disk = { P3 = "< 20GB", P2 = "< 50GB" } }
    """
    subject = f"what Docker could give back (most: {disk.most})"
    expect(disk.reclaimable, "B", subject=subject, also={"%": disk.percent})
