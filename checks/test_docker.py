from pytest_opscheck import check, docker


@check(
    docker.reachable,
    limit="== engine",
    severity="P0",
    suites=("*",),
    action="See whether the engine runs: systemctl status docker; journalctl -u docker -n 50",
)
def test_reachable(reachable, expect):
    """The Docker engine answers."""
    expect(reachable.target)


@check(
    docker.up,
    limit="== running",
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    takes="services",
    action="See why: docker ps -a --filter name={subject}; docker logs --tail 50 NAME; start it: docker compose up -d",
)
def test_up(up, expect):
    """Every service runs.

    A service runs where at least one of its containers does, in the engine's state `running`: one-off containers
    (`docker compose run`) do not count, nor do those that are paused or restarting. It is missing where it has no
    container at all, which shows where the inventory names it (`up = ["api", "db"]`) or another service of the project
    depends on it. A service for whose completion another one waits (Compose's `service_completed_successfully`) may
    have ended with status 0.
    """
    for service in up:
        expect(service.state, subject=service.name, limit="== completed" if service.completed else None)


@check(
    docker.healthy,
    limit="== healthy",
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    takes="count",
    action="See what its health check says: docker inspect --format '{{json .State.Health}}' NAME",
)
def test_healthy(healthy, expect):
    """Every container with a health check is healthy.

    With a number (`healthy = 8`), so many services are: a service is healthy where all of its containers run and their
    health checks say so. `starting` is not healthy yet, and a container without a health check is neither healthy nor
    unhealthy. https://docs.docker.com/reference/dockerfile/#healthcheck
    """
    if healthy.count is None:
        for container in healthy.checked:
            expect(container.health_described, subject=container.name)
    elif not expect(healthy.healthy, subject="number of healthy services", limit=healthy.count):
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
    the limit's window up to now. The engine's time stamps count, not the lines' own. A container that was replaced took
    its log along, and rotation (max-size, max-file) drops the oldest lines: of a container younger than the window, or
    a log that does not reach back so far, what there is counts.
    """
    most = f" ({errors.most})" if errors.most else ""
    if errors.counts:
        expect(errors.total, errors.unit, subject=f"lines with {errors.pattern}{most}")
    for name, why in errors.unread:
        expect(None, errors.unit, subject=name, why=why)


@check(docker.restarts, limit={"P2": "< 5"}, action="See why it ends: docker logs --tail 100 NAME; docker inspect NAME")
def test_restarts(restarts, expect):
    """No container keeps restarting.

    The engine's RestartCount: restarts by its restart policy since the container was created. A container that waits
    for its next restart right now is a breach, however few there were.
    """
    for container in restarts:
        expect(container.restarts, subject=f"{container.name}'s restart count")
        if container.state == "restarting":
            expect(container.described, subject=container.name, limit="== running")


@check(docker.stats, limit={"P3": "< 90%"}, units=("%", "B"), action="Find what grows: docker stats; docker top NAME")
def test_memory(stats, expect):
    """Every container has memory left.

    What `docker stats` shows: usage without the inactive part of the page cache, of the container's limit. A container
    without a limit of its own can take all of the host's memory, so its percentage is of that.
    https://docs.docker.com/reference/cli/docker/container/stats/
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
    """
    for usage in stats:
        why = None if usage.cpu is not None else "the engine gives no processor figure"
        expect(usage.cpu, "%", subject=usage.container, why=why)
