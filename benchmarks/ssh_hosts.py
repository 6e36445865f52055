"""Many hosts x 20 checks over SSH with a round-trip time: pytest-testinfra, pytest-opscheck, and the floor.

    python benchmarks/ssh_hosts.py [--hosts 10] [--runs 3] [--round-trip-ms 50] [--without-testinfra]

Needs sshd. One server stands for all hosts, behind a proxy that delays what passes by half the round trip each way. The
floor is what cannot be undercut: one plain ssh a host, all side by side, with the 20 commands in one script.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _measure import Contender, measure, pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.live.processes import free_port
from tests.live.sshd import Sshd, sshd

COMMANDS = [
    "cat /proc/loadavg",
    "cat /proc/meminfo",
    "df -Pk /",
    "cat /proc/uptime",
    "uname -r",
    "id -u",
    "ls /etc",
    "test -d /var/log",
    "cat /etc/hostname",
    "stat -c %a /etc/passwd",
    "grep -c ^processor /proc/cpuinfo",
    "test -r /etc/hosts",
    "wc -l < /etc/passwd",
    "cat /proc/sys/kernel/random/boot_id",
    "test ! -e /etc/nologin",
    "ls /proc | grep -c ^[0-9]",
    "date +%s",
    "cat /proc/sys/fs/file-nr",
    "test -w /tmp",
    "true",
]


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Pass bytes on, each chunk a delay after it came; chunks do not wait for each other."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def send() -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    sender = asyncio.create_task(send())
    try:
        while data := await reader.read(65536):
            queue.put_nowait((loop.time() + delay_s, data))
    except ConnectionError:
        pass
    queue.put_nowait((loop.time() + delay_s, b""))
    await sender


async def proxy(port: int, target: int, delay_s: float) -> None:
    """Serve a port that leads to another one, with a delay each way."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * delay_s)  # a connection's own round trip
        there, back = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(_pass(reader, back, delay_s), _pass(there, writer, delay_s), return_exceptions=True)

    server = await asyncio.start_server(connected, "127.0.0.1", port, backlog=500)
    await server.serve_forever()


@contextmanager
def delayed(server: Sshd, round_trip_ms: float) -> Iterator[int]:
    """Run the proxy as a process of its own while the block lasts; yields its port."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, __file__, "--proxy", str(port), str(server.port), str(round_trip_ms / 2000)]
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def prepare(folder: Path, server: Sshd, port: int, hosts: list[str]) -> None:
    """Write the client's configuration and each contender's files."""
    known = (server.folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {known}")
    (folder / "ssh_config").write_text(
        f"Host h*\n HostName 127.0.0.1\n Port {port}\n User root\n IdentityFile {server.folder}/key\n"
        f" UserKnownHostsFile {folder}/known_hosts\n IdentitiesOnly yes\n"
    )
    specs = [f"ssh://{host}?ssh_config={folder}/ssh_config" for host in hosts]
    (folder / "test_testinfra.py").write_text(
        f"import pytest\ntestinfra_hosts = {specs!r}\n@pytest.mark.parametrize('command', {COMMANDS!r})\n"
        "def test_command(host, command):\n    assert host.run(command).rc == 0\n"
    )
    inventory = []
    for host, spec in zip(hosts, specs, strict=True):
        inventory.append(f'[host.{host}]\nconnect = "{spec}"\n')
        inventory.append("expect = { disk = false, memory = false, load = false, cpu = false }\n")
        for number, command in enumerate(COMMANDS[1:]):
            inventory.append(f"[host.{host}.command.c{number}]\nrun = '''{command}'''\n")
    (folder / "opscheck.toml").write_text("".join(inventory))
    (folder / "pytest.ini").write_text("[pytest]\n")
    script = "\n".join(COMMANDS)
    (folder / "floor.sh").write_text(
        f"for host in {' '.join(hosts)}; do ssh -F {folder}/ssh_config $host '{script}' >/dev/null & done; wait\n"
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--round-trip-ms", type=float, default=50)
    parser.add_argument("--without-testinfra", action="store_true", help="leave out what takes minutes")
    parser.add_argument("--proxy", nargs=3, metavar=("PORT", "TARGET", "DELAY"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.proxy:
        asyncio.run(proxy(int(given.proxy[0]), int(given.proxy[1]), float(given.proxy[2])))
        return
    hosts = [f"h{number}" for number in range(given.hosts)]
    with tempfile.TemporaryDirectory() as name, sshd(Path(name) / "server") as server:
        folder = Path(name)
        with delayed(server, given.round_trip_ms) as port:
            prepare(folder, server, port, hosts)
            slow = [
                Contender("pytest-testinfra", pytest("test_testinfra.py")),
                Contender("pytest-testinfra -n 8", pytest("test_testinfra.py", "-n", "8")),
            ]
            fast = [
                Contender("the floor: one ssh a host, side by side", ["sh", "floor.sh"]),
                Contender("pytest-opscheck", pytest("-m", "daily")),
                Contender("pytest-opscheck -n 2", pytest("-m", "daily", "-n", "2")),
            ]
            print(f"{given.hosts} hosts x {len(COMMANDS)} checks, {given.round_trip_ms:g} ms round trip")
            measure(fast, given.runs, folder)
            if not given.without_testinfra:
                measure(slow, 1, folder)


if __name__ == "__main__":
    main()
