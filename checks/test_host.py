from pytest_opscheck import check, host


@check(host.reachable, limit="== shell", severity="P0", suites=("*",), action="Try the same way in by hand: ssh -v")
def test_reachable(reachable, expect):
    """The host can be reached.

    Needs: for ssh:// a key that works without a question (try `ssh -o BatchMode=yes USER@HOST true`); for docker:// and
    podman:// a user who may run `docker exec`. On the host a POSIX shell, coreutils or busybox, and awk.

    Example:
        [host.prod]
        connect = "ssh://deploy@prod"
        [host.prod.expect]
        reachable = { severity = "P1", action = "See the provider's console" }
    """
    expect(reachable.target)


@check(
    host.filesystems,
    limit={"P3": "< 70%", "P1": "< 90%"},
    suites=("smoke", "daily"),
    action="Find what grew: du -xh --max-depth=1 {subject} | sort -h",
)
def test_disk(filesystems, expect):
    """Every mounted filesystem has room.

    Used is used / (used + available), as in df's own column: blocks that are reserved for root count as used. Every
    filesystem of /proc/self/mountinfo that holds data, once: pseudo filesystems, tmpfs, images that are always full
    (squashfs, iso9660), bind mounts and overlays of containers are left out. A network filesystem that does not answer
    within 3 s is unknown, and holds up no other.

    Needs: df, and no privileges.

    Example:
        [host.prod.expect]
        disk = { P3 = "< 70%", P1 = "< 90%", ignore = ["/mnt/archive"] }
    """
    for filesystem in filesystems:
        why = None if filesystem.used_percent is not None else "the filesystem did not answer within 3 s"
        expect(filesystem.used_percent, "%", subject=filesystem.mount, why=why)


@check(
    host.inodes,
    units=("%",),
    action="Find what holds so many files: du -x --inodes --max-depth=1 MOUNT | sort -n",
)
def test_inodes(inodes, expect):
    """Every mounted filesystem can take more files.

    The filesystems of `disk`, by df's column IUse%. Those that count no inodes (btrfs, vfat) are left out; a host
    that has no others is unknown.

    Needs: df, and no privileges.

    Example:
        [host.prod.expect]
        inodes = { P3 = "< 80%", P1 = "< 95%" }
    """
    for filesystem in inodes:
        why = None if filesystem.used is not None else "the filesystem did not answer within 3 s"
        expect(filesystem.used_percent, "%", subject=filesystem.mount, why=why)


@check(
    host.memory,
    limit={"P3": "< 80%", "P1": "< 95%"},
    units=("%", "B"),
    action="Find who uses it: ps aux --sort=-rss | head",
)
def test_memory(memory, expect):
    """The host has memory left.

    What is not available: MemTotal less MemAvailable of /proc/meminfo, which counts caches that programs can have back
    as available. In percent of MemTotal, or in bytes.

    Needs: Linux 3.14 or newer, and no privileges. In a container these are the host's figures.

    Example:
        [host.prod.expect]
        memory = { P3 = "< 80%", P1 = "< 95%" }
    """
    expect(memory.used_percent, "%", also={"B": memory.used})


@check(host.load, limit={"P3": "< 1.5", "P2": "< 4"}, action="Find what waits: top, iotop")
def test_load(load, expect):
    """The load is what the processors can do.

    The load average over five minutes (/proc/loadavg), divided by the number of processors.

    Needs: no privileges. In a container these are the host's figures.

    Example:
        [host.prod.expect]
        load = { P3 = "< 1.5", P2 = "< 4" }
    """
    expect(load.per_processor, subject="load per processor")


@check(host.cpu, limit={"P3": "< 90%"}, action="Find who uses it: top")
def test_cpu(cpu, expect):
    """The processors have time left.

    All but idle and iowait of /proc/stat, over all processors together, during one second.

    Needs: no privileges. In a container these are the host's figures.

    Example:
        [host.prod.expect]
        cpu = { P2 = "< 80%" }
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
    """Every named systemd unit is active.

    Its ActiveState; `not-found` where there is no such unit. `.service` may be left out.

    Needs: systemd (`systemctl show`), and no privileges.

    Example:
        [host.prod.expect]
        services = ["nginx", "postgresql", "backup.timer"]
    """
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
    """Something listens on every named port.

    At any address of the host: TCP sockets in state LISTEN and bound UDP sockets of /proc/net. In a container those of
    its own network.

    Needs: no privileges.

    Example:
        [host.prod.expect]
        ports = [80, 443, "udp/53"]
    """
    for port in ports:
        expect("listens" if port.listens else "closed", subject=port.name)


@check(host.command, limit="== 0", family=True, action="Run the command by hand")
def test_command(command, expect):
    """A command of one's own says that all is well.

    Its exit status (0, unless `exit` says otherwise), what it prints (`stdout`), and the one number that it prints
    (`value`). It runs by `sh`, with the time limit `timeout`, and has to be one that changes nothing.

    Needs: what the command needs; the user of `connect` runs it.

    Example:
        [host.prod.command.nginx_config]
        run = "nginx -t"
        suites = ["deploy_gate", "daily"]
    """
    expect(command.exit_status, subject="exit status", limit=command.exit)
    if command.stdout_limit is not None:
        expect(command.stdout.strip(), subject="output", limit=command.stdout_limit)
    if command.value is not None:
        why = None if command.number is not None else f"the output {command.stdout[:40].strip()!r} is not one number"
        expect(command.number, subject="value", limit=command.value, why=why)
