from pytest_opscheck import check, host


@check(host.reachable, limit="== shell", severity="P0", suites=("*",), action="Try the same way in by hand: ssh -v")
def test_reachable(reachable, expect):
    """The host can be reached."""
    expect(reachable.target)


@check(
    host.filesystems,
    limit={"P3": "< 70%", "P1": "< 90%"},
    suites=("smoke", "daily"),
    action="Find what grew: du -xh --max-depth=1 {subject} | sort -h",
)
def test_disk(filesystems, expect):
    """Every mounted filesystem has room."""
    for filesystem in filesystems:
        why = None if filesystem.used_percent is not None else "the filesystem did not answer within 3 s"
        expect(filesystem.used_percent, "%", subject=filesystem.mount, why=why)


@check(
    host.memory,
    limit={"P3": "< 80%", "P1": "< 95%"},
    units=("%", "B"),
    action="Find who uses it: ps aux --sort=-rss | head",
)
def test_memory(memory, expect):
    """The host has memory left."""
    expect(memory.used_percent, "%", also={"B": memory.used})


@check(host.load, limit={"P3": "< 1.5", "P2": "< 4"}, action="Find what waits: top, iotop")
def test_load(load, expect):
    """The load is what the processors can do.

    The load average over five minutes, divided by the number of processors.
    """
    expect(load.per_processor, subject="load per processor")


@check(host.cpu, limit={"P3": "< 90%"}, action="Find who uses it: top")
def test_cpu(cpu, expect):
    """The processors have time left.

    All but idle and iowait, over all processors, during one second.
    """
    expect(cpu, "%", subject="cpu")


@check(
    host.services,
    limit="== active",
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    takes="names",
    action="See why: systemctl status {subject}; journalctl -u {subject} -n 50",
)
def test_services(services, expect):
    """Every named systemd unit is active."""
    for unit in services:
        expect(unit.state, subject=unit.name)


@check(
    host.ports,
    limit="== listens",
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    takes="numbers",
    action="See who should listen: ss -ltnp",
)
def test_ports(ports, expect):
    """Something listens on every named port."""
    for port in ports:
        expect("listens" if port.listens else "closed", subject=port.name)


@check(host.command, limit="== 0", family=True, action="Run the command by hand")
def test_command(command, expect):
    """A command of one's own says that all is well."""
    expect(command.exit_status, subject="exit status", limit=command.exit)
    if command.stdout_limit is not None:
        expect(command.stdout.strip(), subject="output", limit=command.stdout_limit)
    if command.value is not None:
        why = None if command.number is not None else f"the output {command.stdout[:40].strip()!r} is not one number"
        expect(command.number, subject="value", limit=command.value, why=why)
