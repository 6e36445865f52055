"""Fleets: thousands of http targets, some of them silent, hundreds of SSH hosts, a plan of 10,000, a merge of 20 parts.

    python benchmarks/fleet.py [--hosts 500] [--runs 1]

Needs sshd. One small server stands for all http targets, and one sshd for all hosts, on this machine: what they cost is
counted in. The floor of the hosts is plain ssh, the same number at once as the run has made in the end, with the same
four commands in one script.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import http.server
import json
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from _measure import Contender, measure, pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.live.sshd import Sshd, sshd

SCRIPT = "df -P; cat /proc/meminfo; cat /proc/loadavg; head -1 /proc/stat"
AT_ONCE = 8
PARTS = 20
OPSCHECK = (sys.executable, "-c", "from pytest_opscheck.cli import main; main()")


class _Well(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer that all is well."""
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512


@contextlib.contextmanager
def servers() -> Iterator[tuple[int, int]]:
    """Run a server that answers and one that never does; yields their ports."""
    with _Server(("127.0.0.1", 0), _Well) as well, socket.create_server(("127.0.0.1", 0), backlog=4096) as mute:
        threading.Thread(target=well.serve_forever, daemon=True).start()
        yield well.server_address[1], mute.getsockname()[1]
        well.shutdown()


def project(folder: Path, inventory: str) -> Path:
    """Make a project of an inventory."""
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "opscheck.toml").write_text('[opscheck]\nname = "fleet"\n' + inventory)
    return folder


def webs(ports: tuple[int, int], count: int, silent: int) -> str:
    """Return an inventory of so many http targets, of which some never answer."""
    well, mute = ports
    every = count // silent if silent else count + 1
    urls = (f"http://127.0.0.1:{mute if number % every == 0 else well}/" for number in range(1, count + 1))
    return "".join(f'[http.t{number}]\nurl = "{url}"\n' for number, url in enumerate(urls))


def hosts(folder: Path, server: Sshd, count: int) -> str:
    """Return an inventory of so many hosts, and write the client's configuration."""
    known = (server.folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {known}")
    (folder / "ssh_config").write_text(
        f"Host h*\n HostName 127.0.0.1\n Port {server.port}\n User root\n IdentityFile {server.folder}/key\n"
        f" UserKnownHostsFile {folder}/known_hosts\n IdentitiesOnly yes\n"
    )
    expect = '{ disk = "< 100%", memory = "< 100%", load = "< 1000", cpu = "< 100%" }'
    return (
        f'[template.host]\nkind = "host"\nexpect = {expect}\n'
        f'[group.all]\ntemplate = "host"\nnames = ["h[1:{count}]"]\n'
        f'connect = "ssh://{{name}}?ssh_config={folder}/ssh_config"\n'
    )


def verdicts(folder: Path) -> str:
    """Return how many results of each verdict the newest run has."""
    results = json.loads((folder / "reports/daily/latest.json").read_text())["results"]
    return str(dict(collections.Counter(result["verdict"] for result in results)))


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    daily = pytest("-m", "daily")
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        with servers() as ports:
            for count, silent in ((1000, 0), (1000, 300), (5000, 0)):
                folder = project(base / f"{count}-{silent}", webs(ports, count, silent))
                print(f"{count} http targets, {silent} of them silent")
                measure([Contender("pytest-opscheck", daily, expected=(0, 1))], given.runs, folder)
                print(f"  {verdicts(folder)}")
        with sshd(base / "server") as server:
            folder = project(base / "hosts", hosts(base, server, given.hosts))
            ssh = f"seq {given.hosts} | xargs -P {AT_ONCE} -I N ssh -F {base}/ssh_config hN '{SCRIPT}' > /dev/null"
            print(f"{given.hosts} hosts over SSH, four checks each")
            floor = Contender(f"plain ssh, {AT_ONCE} at once", ["sh", "-c", ssh])
            measure([floor, Contender("pytest-opscheck", daily, expected=(0, 1))], given.runs, folder)
            print(f"  {verdicts(folder)}")
        folder = project(
            base / "plan", '[group.all]\nkind = "host"\nnames = ["h[1:10000]"]\nconnect = "ssh://{name}"\n'
        )
        print("10,000 hosts out of a group")
        plan = [Contender(word, [*OPSCHECK, word]) for word in ("validate", "plan")]
        measure(plan, given.runs, folder)
        with servers() as ports:
            folder = project(base / "parts", webs(ports, 1000, 0))
            for number in range(1, PARTS + 1):
                subprocess.run([*daily, f"--opscheck-shard={number}/{PARTS}"], cwd=folder, check=True)
            print(f"merge of {PARTS} shards of 1,000 targets")
            again = "rm -rf reports/history.sqlite3* && opscheck merge daily reports/daily/shards"
            merge = Contender("opscheck merge", ["sh", "-c", again])
            measure([merge], given.runs, folder)


if __name__ == "__main__":
    main()
