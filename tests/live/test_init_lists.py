"""`opscheck init --from`: a list that is there already becomes an inventory, which the next run takes as it stands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from .networks import network
from .processes import program

BIN = Path(sys.executable).parent
ANSIBLE = """\
[web]
web1 ansible_host=192.0.2.1 ansible_user=deploy
web2.example.com ansible_host=192.0.2.2 ansible_user=deploy

[db]
db1 ansible_host=192.0.2.3 ansible_user=deploy
"""
SSH = """\
Host web1 web2
    HostName 192.0.2.1
Host *.example.com !no
    User deploy
host db-1
Host web1
"""
PROMETHEUS = """\
scrape_configs:
  - job_name: self
    static_configs:
      - targets: ["localhost:9090"]   # not a list of files.json
  - job_name: nodes
    file_sd_configs:
    - files:
      - 'sd/*.json'
      refresh_interval: 5m
    relabel_configs:
      - source_labels: [not.json]
"""


def opscheck(
    *arguments: str, folder: Path, env: Mapping[str, str] | None = None, alone: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the command; `alone` is without the processes of others, and without their Prometheus."""
    path = f"{BIN}:{os.environ['PATH']}"
    hidden = '[ ! -d /etc/prometheus ] || /bin/mount -t tmpfs none /etc/prometheus; exec "$@"'
    shell = [program("unshare"), "--mount", "--pid", "--fork", "--mount-proc", program("sh"), "-c", hidden, "sh"]
    return subprocess.run(
        [*(shell if alone else []), str(BIN / "opscheck"), *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "HOME": str(folder), **(env or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def drafted(source: str, folder: Path) -> str:
    done = opscheck("init", "--from", source, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    text = (folder / "opscheck.toml").read_text(encoding="utf-8")
    valid = opscheck("validate", "--sources", folder=folder)
    assert valid.returncode == 0, valid.stdout + valid.stderr
    assert text.startswith("#:schema ./opscheck.schema.json\n")
    return text


def test_ansibles_inventory(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text(ANSIBLE)
    text = drafted("ansible-inventory", tmp_path)
    assert 'command = ["ansible-inventory", "-i", "hosts.ini", "--list"]' in text
    assert 'connect = "ssh://{ansible_user}@{ansible_host}"' in text
    assert "at_least = 3 " in text
    planned = opscheck("plan", "--json", folder=tmp_path)
    assert planned.returncode == 0, planned.stderr
    assert {f"host.{name}" for name in ("web1", "web2.example.com", "db1")} <= set(known(tmp_path))


def known(folder: Path) -> list[str]:
    """Return the targets that a run would have: what reading them with Python says."""
    code = (
        "import json, pathlib\nfrom pytest_opscheck.catalogue import checks\n"
        "from pytest_opscheck.inventory import load\n"
        "from pytest_opscheck.inventory.asked import AS_A_RUN\n"
        "found = load(pathlib.Path('opscheck.toml').absolute(), checks(), asked=AS_A_RUN)\n"
        "print(json.dumps([each.id for each in found.targets]))"
    )
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(done.stdout)
    return found


def test_the_hosts_of_ssh(tmp_path: Path) -> None:
    """Those that are names, each once: patterns are no hosts."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text(SSH)
    text = drafted("ssh-config", tmp_path)
    assert 'connect = "ssh://{__host__}"' in text
    assert known(tmp_path)[:3] == ["host.web1", "host.web2", "host.db-1"]


def test_the_targets_of_prometheus(tmp_path: Path) -> None:
    """The files that its configuration names are the list, and what they lead to is green."""
    (tmp_path / "prometheus.yml").write_text(PROMETHEUS)
    (tmp_path / "sd").mkdir()
    targets = [{"targets": ["127.0.0.1:9101", "127.0.0.1:9102"], "labels": {"env": "prod"}}]
    (tmp_path / "sd/nodes.json").write_text(json.dumps(targets))
    text = drafted("prometheus", tmp_path)
    assert f'file = "{tmp_path}/sd/*.json"' in text
    assert 'name = "{__host__}-{__port__}"' in text
    with network(tmp_path) as net, ExitStack() as stack:
        for place in ("127.0.0.1:9101", "127.0.0.1:9102"):
            exporter = [program("prometheus-node-exporter"), f"--web.listen-address={place}"]
            stack.enter_context(net.serving(exporter, place))
        run = [sys.executable, "-m", "pytest", "-m", "smoke", "-p", "no:cacheprovider", "--opscheck-json=found.json"]
        done = net.run(run, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["results"]
    found = {each["id"]: each["verdict"] for each in results}
    assert found["metrics.reachable@127.0.0.1-9101"] == "ok"
    assert found["source.complete@fleet"] == "ok"


@pytest.mark.parametrize(
    ("source", "path", "says"),
    [
        ("ansible-inventory", "/nonexistent", "ansible-inventory is not installed here; install ansible-core"),
        ("ansible-inventory", str(BIN), "name your inventory in an ansible.cfg"),
        ("ssh-config", os.environ["PATH"], ".ssh/config; write it, or each host by hand"),
        ("prometheus", os.environ["PATH"], "there is no prometheus.yml here"),
    ],
)
def test_what_is_not_there_is_an_error_that_says_where_it_is_looked_for(
    tmp_path: Path, source: str, path: str, says: str
) -> None:
    done = opscheck("init", "--from", source, folder=tmp_path, env={"PATH": path}, alone=True)
    assert done.returncode == 4
    assert says in done.stderr
    assert not (tmp_path / "opscheck.toml").exists()


def test_a_configuration_of_prometheus_without_lists(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text(PROMETHEUS.replace("sd/*.json", "sd/*.yml"))
    done = opscheck("init", "--from", "prometheus", folder=tmp_path)
    assert done.returncode == 4
    assert "prometheus.yml has no file_sd_configs with .json files and no http_sd_configs" in done.stderr
