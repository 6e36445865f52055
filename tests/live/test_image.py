"""The image of the Dockerfile: exit statuses pass through, `docker stop` leaves reports, and the examples run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from .images import docker
from .processes import answers, free_port, program, running, wait_until
from .sshd import sshd

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "container"
NAME = "opscheck-test-image"
USER = 10001
DEBIAN = "debian:bookworm-slim"


def base(folder: Path) -> str:
    """Return the image to begin with: Debian, or one that knows the certificates by which this network is reached."""
    certificates = os.environ.get("PIP_CERT")
    if certificates is None:
        return DEBIAN
    shutil.copy(certificates, folder / "ca.pem")
    lines = f"FROM {DEBIAN}\nCOPY ca.pem /usr/local/share/ca.pem\nENV PIP_CERT=/usr/local/share/ca.pem\n"
    (folder / "Dockerfile").write_text(lines, encoding="utf-8")
    docker("build", "-q", "-t", f"{NAME}-base", str(folder))
    return f"{NAME}-base"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    begins = base(tmp_path_factory.mktemp("base"))
    docker("build", "-q", "--network", "host", "--build-arg", f"BASE={begins}", "-t", NAME, str(ROOT))
    return NAME


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running(command, log=folder / "redis.log", cwd=folder):
        wait_until(lambda: answers(port), "redis-server")
        yield port


@dataclass(frozen=True)
class Checks:
    """A folder with an inventory, and one for reports that belongs to the image's user."""

    image: str
    folder: Path

    @property
    def reports(self) -> Path:
        """Where the reports are."""
        return self.folder / "reports"

    def options(self, inventory: str) -> list[str]:
        """Return what `docker run` is told, so that an inventory is the image's."""
        file = self.folder / "opscheck.toml"
        file.write_text(inventory, encoding="utf-8")
        self.reports.mkdir(exist_ok=True)
        os.chown(self.reports, USER, USER)
        mounts = [f"{file}:/checks/opscheck.toml:ro", f"{self.reports}:/checks/reports"]
        return ["--network", "host", *(word for mount in mounts for word in ("-v", mount))]

    def run(self, inventory: str, *words: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run a container to its end."""
        command = [program("docker"), "run", "--rm", *self.options(inventory), *options, self.image, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    def latest(self, suite: str = "daily") -> dict[str, Any]:
        """Return the newest results file."""
        file = max((self.reports / suite).glob("2*.json"))
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found


@pytest.fixture
def checks(image: str, tmp_path: Path) -> Checks:
    return Checks(image, tmp_path)


def cache(port: int) -> str:
    return f'[redis.cache]\nurl = "redis://127.0.0.1:{port}/0"\n'


@pytest.mark.parametrize(
    ("inventory", "words", "status"),
    [
        ("", (), 0),
        ("expect = { connected_clients = 5 }", (), 4),
        ("[redis.gone]\nurl = 'redis://127.0.0.1:1/0'", (), 1),
        ("", ("run", "monthly"), 5),
        ("", ("run", "dayly"), 4),
        ("", ("validate",), 0),
    ],
)
def test_exit_statuses_pass_through(
    checks: Checks, redis: int, inventory: str, words: tuple[str, ...], status: int
) -> None:
    done = checks.run(cache(redis) + inventory, *words)
    assert done.returncode == status, done.stdout + done.stderr


def test_docker_stop_ends_a_run_with_what_was_judged(checks: Checks, redis: int) -> None:
    """As process 1, within the ten seconds after which the engine kills."""
    slow = '[host.local]\n[host.local.command.slow]\nrun = "touch /tmp/begun; sleep 300"\ntimeout = "400s"\n'
    started = docker("run", "-d", *checks.options(cache(redis) + slow), checks.image)
    try:
        begun = [program("docker"), "exec", started, "test", "-e", "/tmp/begun"]
        wait_until(lambda: subprocess.run(begun, check=False, capture_output=True).returncode == 0, "the run")
        before = time.monotonic()
        docker("stop", "-t", "10", started)
        took = time.monotonic() - before
        assert docker("inspect", "-f", "{{.State.ExitCode}}", started) == "2", docker("logs", started)
    finally:
        docker("rm", "-f", started)
    run = checks.latest()
    assert took < 10
    assert "host.reachable@local" in {result["id"] for result in run["results"] if result["verdict"] == "ok"}
    assert run["run"]["exit_status"] == 2
    assert not (checks.reports / "daily" / "latest.json").exists()


def test_what_it_runs_as(checks: Checks) -> None:
    """Not as root, from a file system that it can't write to but for the reports."""
    inventory = """
    [host.local]
    expect = { disk = false, memory = false, load = false, cpu = false }
    [host.local.command.user]
    run = "id -u"
    stdout = "== 10001"
    [host.local.command.written]
    run = "touch /checks/new /opt/opscheck/new /home/opscheck/new 2>/dev/null"
    exit = "!= 0"
    """
    strict = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp"]
    done = checks.run(inventory, options=strict)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    assert (checks.reports / "daily" / "latest.html").stat().st_uid == USER


def test_over_ssh_with_a_key_as_a_secret_is_mounted(checks: Checks, tmp_path: Path) -> None:
    """A key of root's that the group may read, which ssh takes as long as it is not the user's own."""
    with sshd(tmp_path / "sshd") as server:
        ssh = tmp_path / "ssh"
        ssh.mkdir()
        shutil.copy(server.folder / "key", ssh / "id_ed25519")
        shutil.copy(server.folder / "known_hosts", ssh / "known_hosts")
        for file in ssh.iterdir():
            os.chown(file, 0, USER)
            file.chmod(0o440)
        inventory = f'[host.web]\nconnect = "ssh://root@127.0.0.1:{server.port}"\n'
        quiet = "expect = { disk = false, memory = false, load = false, cpu = false, uptime = '> 0s' }\n"
        done = checks.run(inventory + quiet, options=["-v", f"{ssh}:/home/opscheck/.ssh:ro"])
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_image_that_is_made_of_it(image: str, tmp_path: Path) -> None:
    """As docs/kubernetes.md has it: with another package, and with the inventory inside."""
    page = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"^<!-- Dockerfile -->\n```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "Dockerfile").write_text(lines.replace("FROM opscheck\n", f"FROM {image}\n"), encoding="utf-8")
    (tmp_path / "opscheck.toml").write_text("[host.local]\n", encoding="utf-8")
    docker("build", "-q", "--network", "host", "-t", f"{NAME}-own", str(tmp_path))
    assert docker("run", "--rm", f"{NAME}-own", "validate") == "opscheck.toml is valid: 1 target, 5 checks"


def test_the_compose_file(image: str, redis: int, tmp_path: Path) -> None:
    """Twice, and the second run knows the first one, by the volume."""
    folder = tmp_path / "container"
    shutil.copytree(EXAMPLE, folder)
    (folder / "opscheck.env").write_text(f"REDIS_URL=redis://127.0.0.1:{redis}/0\n", encoding="utf-8")
    here = {"services": {"daily": {"image": image, "network_mode": "host"}}}
    (folder / "here.yml").write_text(yaml.safe_dump(here), encoding="utf-8")
    compose = [program("docker-compose"), "-p", "opscheck-test-compose", "-f", "compose.yml", "-f", "here.yml"]

    def called(*words: str) -> str:
        done = subprocess.run([*compose, *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = (folder / "compose.yml").read_text(encoding="utf-8")
    (crontab,) = re.findall(r"^#.*&& docker compose (run .*)$", said, re.MULTILINE)
    try:
        for _ in range(2):
            called(*crontab.split())
        assert "2 runs, all unchanged" in called("run", "--rm", "-T", "daily", "history", "verify")
        assert "seen from checks" in called("run", "--rm", "-T", "daily", "report")
    finally:
        called("down", "-v")


def manifests() -> dict[str, Any]:
    """Return what the example has for a cluster, by its kind."""
    documents = yaml.safe_load_all((EXAMPLE / "kubernetes.yaml").read_text(encoding="utf-8"))
    return {document["kind"]: document for document in documents}


def test_the_manifests_are_as_their_schema_has_them() -> None:
    for document in manifests().values():
        for version in ("1.28", kubernetes_validate.latest_version()):
            kubernetes_validate.validate(document, version, strict=True)
    wrong = manifests()["CronJob"]
    wrong["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["arguments"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_the_pod_of_the_manifests(image: str, redis: int, tmp_path: Path) -> None:
    """Run as a node does it: with its mounts, user and restrictions, and none besides."""
    found = manifests()
    pod = found["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    secret = dict.fromkeys(found["Secret"]["stringData"], f"redis://127.0.0.1:{redis}/0")
    (mode,) = (volume["secret"]["defaultMode"] for volume in pod["volumes"] if "secret" in volume)
    folders = {
        "inventory": made(tmp_path / "inventory", found["ConfigMap"]["data"], 0o644),
        "secrets": made(tmp_path / "secrets", secret, mode),
        "reports": made(tmp_path / "reports", {}, 0o644),
        "tmp": made(tmp_path / "tmp", {}, 0o644),
    }
    assert folders.keys() == {volume["name"] for volume in pod["volumes"]}
    mounts = [
        f"{folders[each['name']] / each.get('subPath', '')}:{each['mountPath']}{':ro' if each.get('readOnly') else ''}"
        for each in container["volumeMounts"]
    ]
    security = pod["securityContext"]
    options = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "host"]
    options += ["--user", f"{security['runAsUser']}:{security['runAsGroup']}"]
    command = [program("docker"), "run", "--rm", *options, *(word for each in mounts for word in ("-v", each))]
    done = subprocess.run(
        [*command, image, *container["args"]], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folders["reports"] / "daily" / "latest.json").exists()


def made(folder: Path, files: dict[str, str], mode: int) -> Path:
    """Return a folder with files of root's for a group, as a node makes it with `fsGroup`."""
    folder.mkdir()
    for name, text in files.items():
        file = folder / name
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        os.chown(file, 0, USER)
    os.chown(folder, 0, USER)
    folder.chmod(0o2775)
    return folder
