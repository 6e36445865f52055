import math
from typing import Any

from pytest_opscheck import check, host
from pytest_opscheck.probes._commands import ExitParam, StdoutParam, ValueParam
from pytest_opscheck.probes._types import CountParam
from pytest_opscheck.probes.host._files import Age, Exists, ModeParam, Size


@check(host.reachable, limit="== shell", severity="P0", suites=("*",), action="Try the same way in by hand: {by_hand}")
def test_reachable(reachable, expect):
    """The host can be reached.

    It can if its shell prints the first line of the run's script within 10 s of the login. That is known at once,
    however long the script takes.

    Needs: for ssh:// a key that works without a prompt (try `ssh -o BatchMode=yes USER@HOST true`); for docker:// and
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
    most="100%",
    action="Find what grew: du -xh --max-depth=1 {subject} | sort -h",
)
def test_disk(filesystems, expect):
    """Every mounted filesystem has room.

    Used is used / (used + available), as in df's own column: blocks reserved for root count as used. Every filesystem
    of /proc/self/mountinfo that contains data counts, once: pseudo filesystems, tmpfs, images that are always full
    (squashfs, iso9660, AppImages and other FUSE mounts without free space), ZFS snapshots, bind mounts and overlays of
    containers are left out, for which check_disk raises alarms (monitoring-plugins, issues 911, 1609 and 1819). A
    network filesystem that does not answer within 3 s is unknown, and does not delay the others. So is one that is
    mounted below a folder that the user can't access.

    Needs: stat, of coreutils or busybox, and no privileges.

    Example:
        [host.prod.expect]
        disk = { P3 = "< 70%", P1 = "< 90%", ignore = ["/mnt/archive"] }
    """
    for filesystem in filesystems:
        expect(filesystem.used_percent, "%", subject=filesystem.mount, why=filesystem.problem)


@check(
    host.inodes,
    units=("%",),
    most="100%",
    action="Find what holds so many files: du -x --inodes --max-depth=1 {subject} | sort -n",
)
def test_inodes(inodes, expect):
    """Every mounted filesystem can take more files.

    The filesystems of `disk`, as in df's column IUse%. Those without inode counts (btrfs, vfat) are left out, instead
    of counted as full (monitoring-plugins, issue 1717); a host without any others is unknown.

    Needs: stat, of coreutils or busybox, and no privileges.

    Example:
        [host.prod.expect]
        inodes = { P3 = "< 80%", P1 = "< 95%" }
    """
    for filesystem in inodes:
        expect(filesystem.used_percent, "%", subject=filesystem.mount, why=filesystem.problem)


@check(
    host.memory,
    limit={"P3": "< 80%", "P1": "< 95%"},
    units=("%", "B"),
    most="100%",
    action="Find who uses it: ps aux --sort=-rss | head",
)
def test_memory(memory, expect):
    """The host has memory left.

    What is not available: MemTotal less MemAvailable of /proc/meminfo, which counts reclaimable caches as available. So
    does ZFS's cache (ARC) beyond its c_min, which the kernel counts as used (OpenZFS, issue 10255). In percent of
    MemTotal, or in bytes.

    In a container with a memory limit these are its own figures: what its cgroup takes, without files that the kernel
    keeps in memory, of the limit. In one without, they are those of the machine.

    Needs: Linux 3.14 or newer, and no privileges.

    Example:
        [host.prod.expect]
        memory = { P3 = "< 80%", P1 = "< 95%" }
    """
    expect(memory.used_percent, "%", subject="memory", also={"B": memory.used})


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


@check(host.cpu, limit={"P3": "< 90%"}, most="100%", action="Find who uses it: top")
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

    Its ActiveState; `not-found` if there is no such unit. `.service` may be left out, and * matches anything:
    `postgresql@*`. Only systemd is asked: a script in /etc/init.d that it has masked does not count (goss, issue 319).

    `active (exited)` is not active if something should be running and is not: a service whose processes are gone, or
    one that does nothing itself. Debian's `postgresql` is one, whatever its clusters do; the units that are part of it
    are judged instead, such as `postgresql@15-main`. A oneshot service that has done its work (`nftables`) is active. A
    service that systemd keeps restarting is not active either, although it may be up right now: one that was restarted
    within the last minute is checked twice, 4 s apart.

    Needs: systemd (`systemctl show`), and no privileges.

    Example:
        [host.prod.expect]
        services = ["nginx", "postgresql", "backup.timer"]
    """
    for unit in services:
        if unit.problem is not None:
            expect(None, subject=unit.name, why=unit.problem)
        else:
            expect(unit.state, subject=unit.name, observed=unit.described)


@check(
    host.failed_units,
    units=("",),
    suites=("smoke", "daily"),
    action="See why: systemctl status UNIT; when it is fixed: systemctl reset-failed UNIT",
)
def test_failed_units(failed_units, expect):
    """Few units of systemd have failed, or none.

    All that `systemctl list-units --state=failed` lists, services, timers and mounts alike. `ignore` names units that
    do not count; * matches anything. The units of scheduled suites never count: otherwise what they found would be
    found again, even after it was fixed. `opscheck status` covers them.

    Needs: systemd, and no privileges.

    Example:
        [host.prod.expect]
        failed_units = { P2 = "== 0", ignore = ["certbot.service", "run-docker-*"] }
    """
    expect(len(failed_units.names), subject="number of failed units", observed=failed_units.described)


@check(host.journal, units=("rate", ""), family=True, action="Read them: journalctl -u UNIT --since '4 hours ago'")
def test_journal(journal, expect):
    """The journal has as many lines of a kind as expected.

    Lines of messages that match `pattern` (grep -E) and not `ignore`, of one `unit` or of all, at least as severe as
    `priority`; within the limit's rate (`== 0/h`) or, for a bare number, `since`. They are counted on the host. A unit
    that does not exist is unknown, and so is a journal that the user can't read completely: journalctl would silently
    show less.

    Needs: journalctl, and a user who may read the whole journal: usermod -aG systemd-journal USER, or ?sudo=true.

    Example:
        [host.prod.journal.docker_errors]
        unit = "docker"
        pattern = "error"
        ignore_case = true
        since = "4h"
        expect = "== 0"
    """
    expect(journal.lines, journal.rate, subject=journal.described)


@check(host.journal_size, units=("B",), suites=("weekly",), action="Make it smaller: journalctl --vacuum-size=400M")
def test_journal_size(journal_size, expect):
    """The journal takes no more space than allowed.

    All files in /var/log/journal and /run/log/journal together, as du counts them.

    Needs: a user who may look into these folders: usermod -aG systemd-journal USER.

    Example:
        [host.prod.expect]
        journal_size = "< 500MB"
    """
    expect(journal_size, "B", subject="the journal")


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

    At any address of the host: TCP sockets in state LISTEN and bound UDP sockets of /proc/net. A TCP port without a
    socket also listens if a connection from the host to one of its own addresses succeeds: Docker without its proxy and
    kube-proxy publish ports by rules of the kernel (NAT). In a container the sockets are those of its own network. UDP
    ports that are published without a socket appear closed.

    Needs: no privileges.

    Example:
        [host.prod.expect]
        ports = [80, 443, "udp/53"]
    """
    words = {True: "listens", False: "closed", None: None}
    for port in ports:
        expect(words[port.listens], subject=port.name, why="the host's sockets can't be read: see /proc/net there")


@check(host.command, limit="== 0", family=True, action="Run the command by hand: {asked}")
def test_command(
    command,
    expect,
    *,
    exit: ExitParam = "== 0",  # type: ignore[assignment]  # noqa: A002 - the inventory's word
    stdout: StdoutParam | None = None,
    value: ValueParam | None = None,
):
    """A user-defined command says that all is well.

    Its exit status (0, unless `exit` is set), its output (`stdout`), and the single number that it prints (`value`). It
    runs in `sh`, with the time limit `timeout`, and must not change anything.

    Needs: what the command needs; the user of `connect` runs it.

    Example:
        [host.prod.command.nginx_config]
        run = "nginx -t"
        suites = ["deploy_gate", "daily"]
    """
    expect(command.exit_status, subject="exit status", limit=exit)
    if stdout is not None:
        expect(command.stdout.strip(), subject="output", limit=stdout)
    if value is not None:
        why = None if command.number is not None else f"the output {command.stdout[:40].strip()!r} is not one number"
        expect(command.number, subject="value", limit=value, why=why)


@check(
    host.file,
    family=True,
    asks={"aged": lambda age, oldest: age is not None or oldest is not None},
    action="See what is there: ls -la PATH",
)
def test_file(
    file,
    expect,
    *,
    age: Age | None = None,
    oldest: Age | None = None,
    size: Size | None = None,
    mode: ModeParam | None = None,
    owner: str | None = None,
    group: str | None = None,
    readable_by_others: bool | None = None,
    exists: Exists = True,
):
    """Files exist, with the expected age, size and permissions.

    Every file that matches `path`, in which *, ? and [...] are shell wildcards; links are followed, and a broken link
    counts as missing. At least one must exist, unless `exists = false` says that none may, or only `oldest` is
    expected: an empty folder has no file that is too old. If a folder of the path does not exist, the result is
    unknown.

    `age` is that of each file, `oldest` that of the oldest, by when it was last written to. `mode = "0640"` means
    exactly that, `"<= 0640"` no permission beyond it. `readable_by_others = false` looks at the file's own mode.
    `owner` and `group` are names, or numbers if there is no name.

    Needs: a user who can access the folders of the path: setfacl -m u:USER:rX FOLDER, or ?sudo=true. Not to read the
    files.

    Example:
        [host.prod.file.env]
        path = "/srv/app/.env"
        readable_by_others = false
        owner = "deploy"
        age = "< 90d"

        [host.prod.file.rotated_logs]
        path = "/srv/app/logs/*.log.*"
        oldest = "< 7d"
    """
    if not exists:
        for one in file.found:
            expect("there", subject=one.path, limit="== absent")
        if not file.found:
            expect("absent", subject=file.path, limit="== absent")
        return
    of_each = (age, size, mode, owner, group, readable_by_others)
    is_enough_to_be = all(expected is None for expected in of_each)
    if not file.found and not (is_enough_to_be and oldest is not None):
        expect("missing", subject=file.path, limit="== there")
        return
    for one in file.found:
        if is_enough_to_be and oldest is None:
            expect("there", subject=one.path, limit="== there")
        if age is not None:
            expect(one.age_s, "s", subject=f"age of {one.path}", limit=age)
        if size is not None:
            expect(one.size_bytes, "B", subject=f"size of {one.path}", limit=size)
        _expect_rights(one, expect, mode=mode, owner=owner, group=group, readable_by_others=readable_by_others)
    if oldest is not None:
        _expect_of_oldest(file, expect, oldest)


def _expect_of_oldest(file: host.Files, expect: Any, limit: Age) -> None:
    """Compare the age of the oldest file with what is expected; of no file it is nothing."""
    oldest = max(file.found, key=lambda one: one.age_s, default=None)
    if oldest is None:
        expect(0, "s", subject=f"oldest of {file.path}", limit=limit, observed="no file")
    else:
        expect(oldest.age_s, "s", subject=f"age of {oldest.path}", limit=limit)


def _expect_rights(
    one: host.File,
    expect: Any,
    *,
    mode: ModeParam | None,
    owner: str | None,
    group: str | None,
    readable_by_others: bool | None,
) -> None:
    """Compare who may read and write a file with what is expected."""
    if mode is not None:
        observed = f"{one.mode:04o}"
        value = str(mode) if mode.fits(one.mode) else observed
        expect(value, subject=f"mode of {one.path}", limit=f"== {mode}", observed=observed)
    if owner is not None:
        expect(one.owner, subject=f"owner of {one.path}", limit=f"== {owner}")
    if group is not None:
        expect(one.group, subject=f"group of {one.path}", limit=f"== {group}")
    if readable_by_others is not None:
        words = {True: "readable by others", False: "not readable by others"}
        expect(words[one.readable_by_others], subject=one.path, limit=f"== {words[readable_by_others]}")


@check(host.directory, units=("B",), family=True, action="Find what grew: du -xh --max-depth=1 {subject} | sort -h")
def test_directory(directory, expect):
    """No directory takes more space than allowed.

    What du counts: the blocks of all that is in it, on its own filesystem; with *, ? or [...] in `path` for each that
    matches. Set `timeout` (default 60 s) for large trees.

    Needs: du, and a user who can access all of it: setfacl -R -m u:USER:rX FOLDER, or ?sudo=true. If something can't be
    read, the result is unknown.

    Example:
        [host.prod.directory.logs]
        path = "/var/log/*/"
        expect = { P3 = "< 1GB", P2 = "< 5GB" }
        timeout = "120s"
    """
    for one in directory:
        expect(one.size_bytes, "B", subject=one.path)


@check(
    host.processes, limit=">= 1", family=True, action="See who they are: ps -eo user,pid,rss,args --sort=-rss | head"
)
def test_processes(processes, expect, *, count: CountParam | None = None, memory: Size | None = None):
    """The expected number of processes run, and together take no more memory than allowed.

    Those whose command line matches `pattern` (as grep -E takes it) and whose effective user is `user`; neither kernel
    threads nor zombies, nor the checks' own: pytest, what started it, other runs of suites, and everything that these
    run on a host. Anything else with a matching command line counts, even an editor or `tail -f`: anchor the pattern
    (`^/usr/bin/gunicorn `). At least one, unless `count` or `memory` is set. Memory is the sum of PSS
    (/proc/PID/smaps_rollup), where each page is divided by the number of processes that share it; for those whose PSS
    the user can't read it is RSS, which counts shared pages several times, and the message says so
    (ncabatoff/process-exporter#140).

    Needs: no privileges for the count; root (?sudo=true) for the PSS of others' processes, and where /proc is mounted
    with hidepid. On a machine, the processes in its containers count too.

    Example:
        [host.prod.processes.gunicorn]
        pattern = "gunicorn"
        user = "www-data"
        count = ">= 5"
        memory = { P3 = "< 1GB", P2 = "< 2GB" }
    """
    if count is not None or memory is None:
        expect(processes.count, subject=f"number of {processes.described}", limit=count)
    if memory is not None:
        shared = f"; shared pages count several times, for {processes.shared}" if processes.shared else ""
        subject = f"memory of {processes.count} {processes.described}{shared}"
        taken = processes.memory_bytes if processes.count else None
        expect(taken, "B", subject=subject, limit=memory, why="no such process runs")


@check(
    host.reach,
    limit="== connects",
    takes="addresses",
    action="Try it there: getent hosts NAME; ip route; resolvectl status",
)
def test_reach(reach, expect):
    """The host resolves names, and connects to what it needs outside.

    For each `host:port` the name resolves (getent) and a TCP connection succeeds, from the host itself, without a
    proxy; nothing is sent. The first of four addresses that answers within 4 s counts.

    Needs: one of bash, python3, nc, curl and busybox on the host, and no privileges.

    Example:
        [host.prod.expect]
        reach = ["example.com:443", "10.0.0.5:5432"]
    """
    for place in reach:
        expect(place.state, subject=place.address)


@check(
    host.clock,
    units=("s",),
    action="See what the clock follows: chronyc sources; timedatectl timesync-status",
)
def test_clock(clock, expect):
    """The host's clock is right.

    By its time servers, where chrony (the bound of its error: system time + root dispersion + root delay / 2) or
    systemd-timesyncd (its last offset) runs: a clock that is not synchronised is infinitely wrong, even if its servers
    report an offset of 0 (sensu-community-plugins, pull request 967). And, for a host with a clock of its own, by this
    machine's: the largest possible difference, which includes the time that the script took to arrive; if that is more
    than 2 s, the result is unknown.

    Needs: chrony or systemd-timesyncd on the host, or a host with a clock of its own; no privileges.

    Example:
        [host.prod.expect]
        clock = { P3 = "< 5s", P2 = "< 1m" }
    """
    if clock.source is not None and not clock.synchronised:
        expect(math.inf, "s", subject=f"clock ({clock.source})", observed="not synchronised")
    elif clock.source is not None:
        expect(clock.off_s, "s", subject=f"error of the clock ({clock.source})")
    if clock.ahead_s is not None:
        why = "the answer was under way for too long to compare the clocks; ask again"
        expect(clock.difference_s, "s", subject="difference from this machine's clock, at most", why=why)


@check(host.uptime, units=("s",), severity="P3", action="See why it restarted: last -x | head; journalctl --list-boots")
def test_uptime(uptime, expect):
    """The host has been up for as long as expected.

    Since process 1 was started: the boot of a machine, the start of a container.

    Needs: no privileges.

    Example:
        [host.prod.expect]
        uptime = "> 1h"
    """
    expect(uptime, "s", subject="uptime")
