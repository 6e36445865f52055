import math
from typing import Any

from pytest_opscheck import check, host


@check(host.reachable, limit="== shell", severity="P0", suites=("*",), action="Try the same way in by hand: ssh -v")
def test_reachable(reachable, expect):
    """The host can be reached.

    It can where its shell says the first word of the run's script within 10 s of the login. That is known at once,
    however long the script takes.

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
    most="100%",
    action="Find what grew: du -xh --max-depth=1 {subject} | sort -h",
)
def test_disk(filesystems, expect):
    """Every mounted filesystem has room.

    Used is used / (used + available), as in df's own column: blocks that are reserved for root count as used. Every
    filesystem of /proc/self/mountinfo that holds data, once: pseudo filesystems, tmpfs, images that are always full
    (squashfs, iso9660, AppImages and what else FUSE mounts without any room), ZFS snapshots, bind mounts and overlays
    of containers are left out, of which check_disk makes alarms (monitoring-plugins, issues 911, 1609 and 1819). A
    network filesystem that does not answer within 3 s is unknown, and holds up no other. So is one that is mounted
    below a folder into which the user may not look.

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

    The filesystems of `disk`, as in df's column IUse%. Those that count no inodes (btrfs, vfat) are left out, and not
    full (monitoring-plugins, issue 1717); a host that has no others is unknown.

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

    What is not available: MemTotal less MemAvailable of /proc/meminfo, which counts caches that programs can have back
    as available. So is ZFS's cache (ARC) beyond its c_min, which the kernel takes for used (OpenZFS, issue 10255). In
    percent of MemTotal, or in bytes.

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

    Its ActiveState; `not-found` where there is no such unit. `.service` may be left out, and * stands for anything:
    `postgresql@*`. systemd alone is asked: a script in /etc/init.d that it has masked says nothing (goss, issue 319).

    `active (exited)` is not active where nothing runs that should: a service whose processes are gone, or one that
    does nothing itself. Debian's `postgresql` is such a one, whatever its clusters do; in its place the units that are
    part of it are judged, such as `postgresql@15-main`. A oneshot service that has done its work (`nftables`) is
    active. Neither is one that systemd starts again and again active, although it may be up right now: what was
    started again within the last minute is looked at twice, 4 s apart.

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
    do not count; in them * stands for anything. Those that run suites by themselves never do: what they found would be
    found again, for ever after it was fixed. `opscheck status` tells of them.

    Needs: systemd, and no privileges.

    Example:
        [host.prod.expect]
        failed_units = { P2 = "== 0", ignore = ["certbot.service", "run-docker-*"] }
    """
    expect(len(failed_units.names), subject="number of failed units", observed=failed_units.described)


@check(host.journal, units=("rate", ""), family=True, action="Read them: journalctl -u UNIT --since '4 hours ago'")
def test_journal(journal, expect):
    """The journal has as many lines of a kind as expected.

    Lines of the messages that match `pattern` (as grep -E takes it) and not `ignore`, of one `unit` or of all, at least
    as severe as `priority`; within the limit's rate (`== 0/h`) or, for a bare number, `since`. They are counted on the
    host. A unit that does not exist is unknown, and so is a journal that the user may not read in whole: journalctl
    would show less, and say nothing.

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
    """The journal takes no more room than it may.

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

    At any address of the host: TCP sockets in state LISTEN and bound UDP sockets of /proc/net. A TCP port that has no
    socket listens too where a connection from the host to one of its own addresses comes to be: Docker without its
    proxy and kube-proxy publish ports by rules of the kernel (NAT). In a container the sockets are those of its own
    network. UDP ports that are published without a socket are closed as far as can be told.

    Needs: no privileges.

    Example:
        [host.prod.expect]
        ports = [80, 443, "udp/53"]
    """
    words = {True: "listens", False: "closed", None: None}
    for port in ports:
        expect(words[port.listens], subject=port.name, why="the host's sockets can't be read: see /proc/net there")


@check(host.command, limit="== 0", family=True, action="Run the command by hand")
def test_command(command, expect):
    """A user-defined command says that all is well.

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


@check(host.file, family=True, action="See what is there: ls -la PATH")
def test_file(file, expect):
    """Files are there, as old, as large, and open to those that they should be.

    Every file that matches `path`, in which *, ? and [...] stand for what a shell puts there; links are followed, and
    one that leads nowhere counts as missing. At least one has to be there, unless `exists = false` says that none may,
    or `oldest` is all that is expected: a folder without any has none that is too old. A folder of the path that does
    not exist is unknown.

    `age` is that of each file, `oldest` that of the oldest, by when it was last written to. `mode = "0640"` is exactly
    that, `"<= 0640"` no permission beyond it. `readable_by_others = false` looks at the file's own mode. `owner` and
    `group` are names, or numbers where there is no name.

    Needs: a user who may look into the folders on the way: setfacl -m u:USER:rX FOLDER, or ?sudo=true. Not to read the
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
    if not file.exists:
        for one in file.found:
            expect("there", subject=one.path, limit="== absent")
        if not file.found:
            expect("absent", subject=file.path, limit="== absent")
        return
    if not file.found and not file.may_be_absent:
        expect("missing", subject=file.path, limit="== there")
        return
    for one in file.found:
        _expect_of_file(one, file, expect)
    if file.oldest is not None:
        oldest = max(file.found, key=lambda one: one.age_s, default=None)
        if oldest is None:
            expect(0, "s", subject=f"oldest of {file.path}", limit=file.oldest, observed="no file")
        else:
            expect(oldest.age_s, "s", subject=f"age of {oldest.path}", limit=file.oldest)


def _expect_of_file(one: host.File, expected: host.Files, expect: Any) -> None:
    """Compare a file with what the inventory says of each."""
    before = len(expect.measurements)
    if expected.age is not None:
        expect(one.age_s, "s", subject=f"age of {one.path}", limit=expected.age)
    if expected.size is not None:
        expect(one.size_bytes, "B", subject=f"size of {one.path}", limit=expected.size)
    if expected.mode is not None:
        observed = f"{one.mode:04o}"
        value = str(expected.mode) if expected.mode.fits(one.mode) else observed
        expect(value, subject=f"mode of {one.path}", limit=f"== {expected.mode}", observed=observed)
    if expected.owner is not None:
        expect(one.owner, subject=f"owner of {one.path}", limit=f"== {expected.owner}")
    if expected.group is not None:
        expect(one.group, subject=f"group of {one.path}", limit=f"== {expected.group}")
    if expected.readable_by_others is not None:
        words = {True: "readable by others", False: "not readable by others"}
        limit = f"== {words[expected.readable_by_others]}"
        expect(words[one.readable_by_others], subject=one.path, limit=limit)
    if len(expect.measurements) == before and expected.oldest is None:
        expect("there", subject=one.path, limit="== there")


@check(host.directory, units=("B",), family=True, action="Find what grew: du -xh --max-depth=1 {subject} | sort -h")
def test_directory(directory, expect):
    """No directory takes more room than it may.

    What du counts: the blocks of all that is in it, on its own filesystem; with *, ? or [...] in `path` for each that
    matches. `timeout` (60 s unless said) is for large trees.

    Needs: du, and a user who may look into all of it: setfacl -R -m u:USER:rX FOLDER, or ?sudo=true. What can't be read
    makes it unknown.

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
def test_processes(processes, expect):
    """As many processes run as should, and take no more memory together than they may.

    Those whose command line matches `pattern` (as grep -E takes it) and whose effective user is `user`; neither kernel
    threads nor zombies, nor these checks' own: pytest, what has started it, other runs of suites, and all that these
    run on a host. Whatever else has the words in its command line counts, an editor or `tail -f` too: anchor the
    pattern (`^/usr/bin/gunicorn `). At least one, unless `count` or `memory` say otherwise. Memory is the
    sum of PSS (/proc/PID/smaps_rollup), where each page is divided by the number of processes that share it; of those
    whose PSS the user may not read it is RSS, which counts shared pages several times, and the message says so
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
    if processes.count_limit is not None or processes.memory_limit is None:
        expect(processes.count, subject=f"number of {processes.described}", limit=processes.count_limit)
    if processes.memory_limit is not None:
        shared = f"; shared pages count several times, for {processes.shared}" if processes.shared else ""
        subject = f"memory of {processes.count} {processes.described}{shared}"
        memory = processes.memory_bytes if processes.count else None
        expect(memory, "B", subject=subject, limit=processes.memory_limit, why="no such process runs")


@check(
    host.reach,
    limit="== connects",
    takes="addresses",
    action="Try it there: getent hosts NAME; ip route; resolvectl status",
)
def test_reach(reach, expect):
    """The host resolves names, and connects to what it needs outside.

    For each `host:port` the name resolves (getent) and a TCP connection comes to be, from the host itself, without a
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
    systemd-timesyncd (its last offset) runs: a clock that is not synchronised is infinitely wrong, though its servers
    may say an offset of 0 (sensu-community-plugins, pull request 967). And, for a host with a clock of its own, by this
    machine's: the most that the two may differ, of which the time that the script was under way is a part; more than
    2 s of that are too much to tell.

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
    """The host has run for as long as it should.

    Since process 1 was started: the boot of a machine, the start of a container.

    Needs: no privileges.

    Example:
        [host.prod.expect]
        uptime = "> 1h"
    """
    expect(uptime, "s", subject="uptime")
