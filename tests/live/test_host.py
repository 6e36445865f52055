"""Hosts: a real filesystem that fills up, real units of systemd, real ports; each red by its fault and green again."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_opscheck.probes import host
from pytest_opscheck.probes._commands import number_in
from pytest_opscheck.probes._kind import Output
from pytest_opscheck.probes.host import Load, Memory, Port

from .conftest import Run
from .images import container
from .processes import free_port, program, wait_until
from .sshd import sshd

MIB = 1024 * 1024
ONLY = "expect = { disk = false, memory = false, load = false, cpu = false }\n"


@pytest.fixture
def filesystem(tmp_path: Path) -> Iterator[Path]:
    """A small ext4 filesystem with a space in its mount point, and a bind mount of it."""
    disk, mount, again = tmp_path / "disk", tmp_path / "the data", tmp_path / "again"
    subprocess.run(["truncate", "-s", "30M", disk], check=True)
    subprocess.run([program("mkfs.ext4"), "-q", "-m", "0", disk], check=True)
    mount.mkdir()
    again.mkdir()
    subprocess.run([program("mount"), "-o", "loop", disk, mount], check=True)
    try:
        subprocess.run([program("mount"), "--bind", mount, again], check=True)
        try:
            yield mount
        finally:
            subprocess.run([program("umount"), again], check=True)
    finally:
        subprocess.run([program("umount"), mount], check=True)


def test_a_filesystem_that_fills_up(run: Run, filesystem: Path) -> None:
    inventory = '[host.local]\n[host.local.expect]\ndisk = { P3 = "< 70%", P1 = "< 90%", ignore = ["/"] }\n'
    outcome = run(inventory, "-k", "disk")
    assert outcome.verdict("host.disk@local") == "ok"
    measured = [m["subject"] for m in outcome["host.disk@local"]["measurements"]]
    assert measured.count(str(filesystem)) == 1
    assert str(filesystem.parent / "again") not in measured
    (filesystem / "some").write_bytes(b"x" * 21_000_000)
    assert run(inventory, "-k", "disk").verdict("host.disk@local") == "breach P3"
    (filesystem / "more").write_bytes(b"x" * 5_000_000)
    outcome = run(inventory, "-k", "disk")
    assert outcome.verdict("host.disk@local") == "breach P1"
    assert f"{filesystem} is at 9" in outcome.message("host.disk@local")
    (filesystem / "some").unlink()
    assert run(inventory, "-k", "disk").verdict("host.disk@local") == "ok"


def test_what_is_always_full_or_in_memory_is_no_disk(run: Run, tmp_path: Path) -> None:
    """An image fills its filesystem by its nature, and what a tmpfs holds is memory."""
    image, content, memory = tmp_path / "image", tmp_path / "content", tmp_path / "memory"
    content.mkdir()
    memory.mkdir()
    subprocess.run([program("mksquashfs"), "/etc/passwd", image, "-quiet", "-no-progress"], check=True)
    mounts = {content: ["-o", "loop", str(image)], memory: ["-t", "tmpfs", "-o", "size=1M", "none"]}
    with contextlib.ExitStack() as stack:
        for place, what in mounts.items():
            subprocess.run([program("mount"), *what, place], check=True)
            stack.callback(subprocess.check_call, [program("umount"), str(place)])
        (memory / "full").write_bytes(b"x" * (1 << 20))
        outcome = run("[host.local]\n[host.local.expect]\ndisk = '< 100%'\n", "-k", "disk")
    subjects = [measured["subject"] for measured in outcome["host.disk@local"]["measurements"]]
    assert subjects
    assert not {str(content), str(memory)}.intersection(subjects)


def test_a_network_mount_that_hangs_costs_only_itself(run: Run, tmp_path: Path) -> None:
    """A mount whose server has stopped: its own measurement is unknown, every other filesystem is still judged."""
    mount = tmp_path / "remote"
    mount.mkdir()
    with sshd(tmp_path / "server") as server:
        options = f"port={server.port},ssh_command=ssh -F {server.folder}/client -i {server.folder}/key"
        sftp = "/usr/lib/openssh/sftp-server"
        (server.folder / "shell").write_text(f"#!/bin/sh\nexec {sftp}\n")
        subprocess.run(
            [program("sshfs"), "-o", options, "-o", f"sftp_server={sftp}", f"root@127.0.0.1:{tmp_path}", mount],
            check=True,
        )
        servers = subprocess.run(["pgrep", "-f", sftp], capture_output=True, text=True, check=True).stdout.split()
        try:
            inventory = '[host.local]\nexpect = { disk = "< 100%" }\n'
            assert run(inventory, "-k", "disk").verdict("host.disk@local") == "ok"
            subprocess.run(["kill", "-STOP", *servers], check=True)
            started = time.monotonic()
            outcome = run(inventory, "-k", "disk")
            assert time.monotonic() - started < 20
        finally:
            subprocess.run(["kill", "-CONT", *servers], check=False)
            subprocess.run([program("fusermount"), "-uz", mount], check=False)
    assert outcome.verdict("host.disk@local").startswith("unknown")
    assert f"{mount}: the filesystem did not answer" in outcome.message("host.disk@local")
    judged = {m["subject"]: m.get("problem") for m in outcome["host.disk@local"]["measurements"]}
    assert judged["/"] is None


def test_ports(run: Run) -> None:
    port, other = free_port(), free_port()
    inventory = f'[host.local]\n{ONLY}[host.local.expect]\nports = [{port}, "udp/{other}"]\n'.replace(ONLY, "")
    outcome = run(inventory, "-k", "ports")
    assert outcome.verdict("host.ports@local") == "breach P1"
    assert outcome.message("host.ports@local") == (
        f"tcp/{port} is closed, expected listens; udp/{other} is closed, expected listens"
    )
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", other))
        tcp.bind(("127.0.0.1", port))
        assert run(inventory, "-k", "ports").verdict("host.ports@local") == "breach P1"
        tcp.listen()
        assert run(inventory, "-k", "ports").verdict("host.ports@local") == "ok"


NAT = """
ip link set lo up; ip addr add 192.0.2.9/32 dev lo
iptables -t nat -A OUTPUT -p tcp --dport 8080 -j REDIRECT --to-ports {port}
iptables -t nat -A OUTPUT -p tcp -d 192.0.2.9 --dport 8081 -j DNAT --to-destination 127.0.0.1:{port}
iptables -t nat -A OUTPUT -p tcp --dport 8082 -j REDIRECT --to-ports 9
exec "$@"
"""


def test_ports_that_are_published_by_rules_of_the_kernel(tmp_path: Path) -> None:
    """In a network of its own: ports without any socket that lead on, and one that leads to where nobody listens."""
    program("iptables")
    (tmp_path / "opscheck.toml").write_text(
        f"[host.local]\n{ONLY.replace(' }', ', ports = [8080, 8081, 8082, 8083] }')}"
    )
    serve = "import socket, sys; s = socket.create_server(('127.0.0.1', 9090)); s.listen(); sys.stdin.read()"
    with subprocess.Popen(
        ["unshare", "-n", "sh", "-c", NAT.format(port=9090), "sh", sys.executable, "-c", serve], stdin=subprocess.PIPE
    ) as server:
        inside = ["nsenter", "-t", str(server.pid), "-n"]
        wait_until(
            lambda: (
                b":2382 " in subprocess.run([*inside, "cat", "/proc/net/tcp"], capture_output=True, check=False).stdout
            ),
            "it",
        )
        run = [*inside, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "daily", "-k", "ports"]
        done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert server.stdin is not None
        server.stdin.close()
    assert "tcp/8082 closed, expected listens" in done.stdout, done.stdout
    assert "tcp/8083 closed, expected listens" in done.stdout
    assert "tcp/8080 " not in done.stdout
    assert "tcp/8081 " not in done.stdout


def test_ports_among_very_many_sockets() -> None:
    """The table stays on the host: what is printed of 36,000 connections is what listens."""
    shell = host.kind.shells["ports"]
    part = shell.part(None, 30.0, {"numbers": ("tcp/81", "tcp/82", "udp/53")})
    line = "{0:4d}: 0100007F:{1} 0100007F:1F90 {2} 00000000:00000000 00:00000000 00000000 0 0 1 1 0 20 4 30 10 -1"
    table = "  sl  local_address rem_address   st\n" + "\n".join(
        line.format(number, f"{number:04X}", "01") for number in range(36000)
    )
    listening = "\n" + line.format(36000, "0051", "0A") + "\n"
    tables = {"tcp": table, "tcp6": table + listening, "udp": table.replace(" 01 ", " 07 ")}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in tables.items():
            (Path(folder) / name).write_text(text)
        script = part.script.replace("/proc/net/$file", f"{folder}/$file")
        done = subprocess.run(["sh", "-c", script, "opscheck", *part.args], capture_output=True, text=True, check=True)
    assert len(done.stdout) < part.bytes
    found = shell.parse(Output(done.stdout, done.stderr, 0), numbers=part.args)
    assert found == (Port("tcp/81", listens=True), Port("tcp/82", listens=False), Port("udp/53", listens=True))


def test_memory_load_and_cpu(run: Run) -> None:
    never = 'memory = { P2 = "< 1%" }\nload = "== 1000"\ncpu = "== 50.001%"\n'
    inventory = f"[host.local]\n[host.local.expect]\ndisk = false\n{never}"
    outcome = run(inventory)
    for check in ("memory", "load", "cpu"):
        assert outcome.verdict(f"host.{check}@local").startswith("breach")
    outcome = run(
        '[host.local]\n[host.local.expect]\nmemory = "> 1MB"\nload = "< 1000"\ncpu = "!= 50.001%"\ndisk = false\n'
    )
    for check in ("memory", "load", "cpu"):
        assert outcome.verdict(f"host.{check}@local") == "ok"


def test_the_memory_of_a_container_with_a_limit(run: Run) -> None:
    """The machine has plenty left when the container has none; what files keep there is given back."""
    keys = 'expect = { disk = false, load = false, cpu = false, memory = { P1 = "< 80%" } }\n'
    with container("debian:bookworm-slim", ["--memory", "200m", "--shm-size", "190m"], ["sleep", "100"]) as small:
        inventory = f'[host.box]\nconnect = "docker://{small.id}"\n{keys}'
        small.run("head -c 170000000 /dev/zero > /root/file; cat /root/file > /dev/null")
        assert run(inventory).verdict("host.memory@box") == "ok"
        small.run("head -c 170000000 /dev/zero > /dev/shm/memory")
        outcome = run(inventory)
    assert outcome.verdict("host.memory@box") == "breach P1"
    assert run(f"[host.box]\n{keys}").verdict("host.memory@box") == "ok", "this machine has enough"


@pytest.mark.parametrize(
    ("mounts", "free_mb"), [("", 650), ("75 24 0:26 / /proc/meminfo rw - fuse.lxcfs lxcfs rw", 200)]
)
def test_what_zfs_would_give_back_is_no_memory_in_use(tmp_path: Path, mounts: str, free_mb: int) -> None:
    """There is no ZFS here: the script reads a folder in the place of /proc, with the lines that ZFS writes."""
    files = {
        "meminfo": "MemTotal: 1024000 kB\nMemFree: 10240 kB\nMemAvailable: 204800 kB\nKReclaimable: 51200 kB\n",
        "loadavg": "0.50 0.40 0.30 1/200 4000\n",
        "cpuinfo": "processor\t: 0\nprocessor\t: 1\n",
        "self/mountinfo": f"22 27 0:20 / /proc rw - proc proc rw\n{mounts}\n",
        "spl/kstat/zfs/arcstats": "13 1 0x01 123 4 5\nname  type data\nsize  4  629145600\nc_min  4  104857600\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = []
    for probe in (host.memory, host.load):
        assert probe.shell is not None
        script = (
            probe.shell.part(None, 10.0, {}).script.replace("/proc/", f"{tmp_path}/").replace("/sys/", f"{tmp_path}/")
        )
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        found.append(probe.shell.parse(Output(done.stdout, done.stderr, 0)))
    assert found == [Memory(1000 * MIB, free_mb * MIB), Load(0.5, 0.4, 0.3, 2)]


@pytest.mark.parametrize("printed", ["1,234", "12 ms", "NaN", "1e999", "1 2", ""])
def test_what_is_not_one_number(printed: str) -> None:
    assert number_in(printed) is None


def test_a_busy_processor(run: Run) -> None:
    inventory = '[host.local]\nexpect = { disk = false, memory = false, load = false, cpu = "< 90%" }\n'
    burners = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(8)]
    try:
        assert run(inventory).verdict("host.cpu@local").startswith("breach")
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def test_a_host_without_systemd_says_what_is_missing(run: Run) -> None:
    with container("debian:bookworm-slim", [], ["sleep", "300"]) as machine:
        inventory = f'[host.box]\nconnect = "docker://{machine.id}"\nexpect = {{ services = ["cron"] }}\n'
        outcome = run(inventory)
        assert outcome.verdict("host.services@box") == "unknown P1"
        assert outcome.message("host.services@box") == (
            "unknown: systemctl is not installed; services need systemd: expect processes or ports there instead"
        )
        assert outcome["host.services@box"]["action"] is None  # it would need systemctl too
        assert outcome.verdict("host.disk@box") in ("ok", "breach P3", "breach P1")
        measured = [m["subject"] for m in outcome["host.disk@box"]["measurements"]]
        assert "/" in measured
        machine.stop()
        outcome = run(inventory)
        assert outcome.verdict("host.reachable@box") == "breach P0"
        assert outcome.verdict("host.services@box") == "blocked"


@pytest.mark.parametrize("shell", ["dash", "busybox"])
def test_the_script_runs_in_every_shell(shell: str) -> None:
    """What a host runs is plain POSIX: the same in dash and in busybox with its own awk and timeout."""
    from pytest_opscheck.gather.host_script import parse, script
    from pytest_opscheck.probes import Part

    parts = [
        Part('echo "$1"; echo error >&2; exit 3', ("it's",)),
        Part("sleep 9", seconds=1),
        Part("yes", bytes=100),
        Part("sleep 777 & echo 3"),
        Part("sleep 778 & sleep 779", seconds=1),
        *(Part(f"exit {status}") for status in (124, 137, 143)),
    ]
    text = script("word", parts, watched=False)
    applets = "busybox --install -s /bb; export PATH=/bb;" if shell == "busybox" else ""
    options = ["--init", "-v", f"{program('busybox')}:/usr/bin/busybox:ro"]
    with container("debian:bookworm-slim", options, ["sleep", "60"]) as machine:
        machine.run("mkdir /bb; busybox --install -s /bb")
        done = machine.run(f"{applets.partition(';')[2]} sh -s opscheck", stdin=text)
        left = machine.run("cat /proc/[0-9]*/stat").stdout
        # The input of this one ends with the script, as it does where the connection is lost.
        long = script("word", [Part("sleep 780"), *[Part("sleep 781; sleep 781")] * 20], watched=True)
        ended = machine.run(f"{applets.partition(';')[2]} sh -s opscheck", stdin=long)
        left += machine.run("cat /proc/[0-9]*/stat").stdout
    outputs = parse("word", done.stdout, parts)
    assert "word end" in ended.stdout
    assert ended.stdout.count("status 137") == 21
    assert (outputs[0].stdout, outputs[0].stderr, outputs[0].exit_status) == ("it's\n", "error\n", 3)
    assert not outputs[1].ended
    assert outputs[2].truncated
    assert (outputs[3].stdout, outputs[3].stderr, outputs[3].exit_status) == ("3\n", "", 0)
    assert not outputs[4].ended
    assert [output.exit_status for output in outputs[5:]] == [124, 137, 143]
    assert left.count("(sleep)") == 2  # the container's own, twice
    assert ") Z" not in left


def test_what_a_command_leaves_running_is_ended(run: Run) -> None:
    """Rule 3, on this machine: nothing is left, neither of a command that is over nor of one whose time is."""
    over, late = (f"sleep 4{time.monotonic_ns() % 10**6:06}.{number}" for number in (1, 2))
    outcome = run(
        f"[host.local]\n{ONLY}"
        f'[host.local.command.over]\nrun = "{over} & echo 3"\nvalue = "== 3"\n'
        f'[host.local.command.late]\nrun = "{late} & {late}"\ntimeout = "1s"\n'
        '[host.local.command.own_status]\nrun = "exit 124"\n'
    )
    assert outcome.verdict("host.command.over@local") == "ok"
    assert "no answer within 1 s" in outcome.message("host.command.late@local")
    assert "exit status is 124" in outcome.message("host.command.own_status@local")
    assert subprocess.run(["pgrep", "-f", f"^({over}|{late})"], check=False).returncode == 1


def test_every_probe_runs_with_busybox_alone() -> None:
    """A small image has no coreutils, procps or gawk: what is read there is the same."""
    from pytest_opscheck.gather.host_script import parse, script
    from pytest_opscheck.probes.host import Host, kind

    asked = {
        "filesystems": {},
        "inodes": {},
        "memory": {},
        "cpu": {},
        "uptime": {},
        "clock": {},
        "processes": {"pattern": "^sleep 60", "user": ""},
        "reach": {"addresses": ("127.0.0.1:9",)},
        "file": {"path": "/etc/passw*"},
        "directory": {"path": "/etc/*/"},
    }
    parts = [kind.shells[name].part(Host(connect="docker://x"), 20, params) for name, params in asked.items()]
    text = script("word", parts, watched=False).replace('PATH="$PATH:', 'PATH="/bb" IGNORED="')
    options = ["-v", f"{program('busybox')}:/usr/bin/busybox:ro"]
    with container("debian:bookworm-slim", options, ["sleep", "60"]) as machine:
        machine.run("mkdir /bb; busybox --install -s /bb")
        done = machine.run("export PATH=/bb; sh -s opscheck", stdin=text)
    outputs = dict(zip(asked, parse("word", done.stdout, parts), strict=True))
    assert {name: output.exit_status for name, output in outputs.items()} == dict.fromkeys(asked, 0)
    expected = {
        "filesystems": " /\nsize 1 is 4096 ",
        "inodes": " /\nsize 1 is 4096 ",
        "memory": "MemAvailable:",
        "clock": "by docker\n",
        "processes": "looked\nprocess 1 ",
        "reach": "refused 127.0.0.1 9\n",
        "file": " root root /etc/passwd\n",
        "directory": " /etc/skel/\n",
    }
    for name, text in expected.items():
        assert text in outputs[name].stdout, name
