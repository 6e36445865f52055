"""The examples of examples/fleet: each carries a run in parts by a program that is there, and all parts are one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

EXAMPLES = Path(__file__).parent.parent.parent / "examples" / "fleet"
INVENTORY = """
[opscheck]
name = "fleet"
[group.local]
kind = "host"
names = ["a[1:4]"]
connect = "local://"
expect = { disk = false, memory = false, load = false, cpu = false }
command.name = { run = "test {name} != a4" }
"""
OF = 2


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    return project(tmp_path / "checks")


def project(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "opscheck.toml").write_text(INVENTORY, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return folder


def ran(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody has it who has installed the package."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HOME": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def example(name: str, folder: Path) -> Path:
    """Return an example with fewer shards than it has."""
    file = folder / name
    file.write_text((EXAMPLES / name).read_text(encoding="utf-8").replace("8", str(OF)), encoding="utf-8")
    return file


def is_whole(checks: Path) -> None:
    """See that the newest run is one of all parts, with the breach of one of them."""
    run = json.loads((checks / "reports/daily/latest.json").read_text(encoding="utf-8"))
    found = {result["id"]: result["verdict"] for result in run["results"]}
    expected = {f"host.command.name@a{number}": "breach" if number == 4 else "ok" for number in range(1, 5)}
    assert expected.items() <= found.items()
    assert {found[f"shard.reports@{number}/{OF}"] for number in range(1, OF + 1)} == {"ok"}
    assert run["run"]["hash"]


def test_gnu_parallel(checks: Path) -> None:
    ended = ran(["sh", str(example("parallel.sh", checks))], checks)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    is_whole(checks)


def test_cron_with_rsync(checks: Path, tmp_path: Path) -> None:
    """As the comment has the lines of the crontab; the machine that merges has a part itself."""
    (checks / "results").mkdir()
    said = (EXAMPLES / "shard.sh").read_text(encoding="utf-8").splitlines()
    announce, merge = (line.partition("&& ")[2].replace("8", str(OF)) for line in said if "cd /srv/checks &&" in line)
    assert ran(announce.split(), checks).returncode == 0
    for number in range(1, OF + 1):
        folder = checks if number == 1 else project(tmp_path / f"machine{number}")
        ended = ran(["sh", str(EXAMPLES / "shard.sh"), f"{number}/{OF}", f"{checks}/results/"], folder)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ran(merge.split(), checks).returncode == 1
    is_whole(checks)


def test_ansible(checks: Path, tmp_path: Path) -> None:
    machines = [project(tmp_path / f"machine{number}") for number in range(1, OF + 1)]
    python = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    hosts = "\n".join(f"{machine.name} checks={machine} {python}" for machine in machines)
    results = checks / "results"
    listed = f"[checkers]\n{hosts}\n[all:vars]\nresults={results}\n[here]\nlocalhost checks={checks} {python}\n"
    (checks / "prod").write_text(listed, encoding="utf-8")
    ended = ran(["ansible-playbook", "-i", "prod", str(EXAMPLES / "daily.yml")], checks)
    assert ended.returncode == 2, ended.stdout + ended.stderr  # the merged run is broken, and so is the play
    is_whole(checks)


def test_the_unit_of_a_worker(tmp_path: Path) -> None:
    """As systemd reads it; and the command that it starts takes no more than what is in its environment."""
    unit = tmp_path / "opscheck-worker.service"
    command = Path(sys.executable).with_name("opscheck")
    text = (EXAMPLES / unit.name).read_text(encoding="utf-8")
    unit.write_text(text.replace("/srv/checks/.venv/bin/opscheck", str(command)), encoding="utf-8")
    read = ran(["systemd-analyze", "verify", "--man=no", str(unit)], tmp_path)
    assert (read.returncode, read.stderr) == (0, ""), read.stderr
    unit.write_text(unit.read_text().replace("Restart=always", "Restart=allways"), encoding="utf-8")
    assert "allways" in ran(["systemd-analyze", "verify", "--man=no", str(unit)], tmp_path).stderr


def test_kubernetes() -> None:
    """As its schema has them; the newest one, and the oldest that a cluster may well have."""
    documents = list(yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text(encoding="utf-8")))
    assert [document["kind"] for document in documents] == ["CronJob", "CronJob", "Job"]
    for document in documents:
        for version in ("1.28", kubernetes_validate.latest_version()):
            kubernetes_validate.validate(document, version, strict=True)
    documents[1]["spec"]["jobTemplate"]["spec"]["completion"] = 8
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(documents[1], kubernetes_validate.latest_version(), strict=True)
