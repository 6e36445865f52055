"""The commands that docs/fleets.md shows print lists that a source reads: each is run with the real program."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from pytest_opscheck import catalogue
from pytest_opscheck.inventory import load
from pytest_opscheck.inventory.asked import Asked

from .images import container
from .nameservers import in_folder
from .processes import free_port
from .ways import machine_image
from .web import site

PAGE = Path(__file__).parent.parent.parent / "docs" / "fleets.md"
LIST = """
[source.a]
format = "prometheus"
kind = "tcp"
name = "{__host__}"
address = "{__host__}:{__port__}"
at_least = 1
"""
PODS = {
    "items": [
        {"metadata": {"name": "web-1"}, "status": {"podIP": "10.0.0.1"}},
        {"metadata": {"name": "web-2"}, "status": {"podIP": "10.0.0.2"}},
    ]
}
"""Of what kubectl prints of pods, what counts here: there is no cluster to ask."""
INSTANCES = [{"Node": {"Node": "n1"}, "Service": {"Address": "10.0.0.1", "Port": 80}, "Checks": []}]
"""Likewise of what Consul answers."""


def command(word: str) -> str:
    """Return a command of the page, by the first word of the comment above it."""
    found = re.search(rf"^# {word}\b.*\n(.*\n.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def fields(folder: Path, script: str, more: str = LIST, **variables: str) -> dict[str, Mapping[str, str]]:
    """Return the items of the list that a command prints, by their names."""
    script = "".join(f"export {name}={value}\n" for name, value in variables.items()) + script
    where = f"command = {json.dumps(['sh', '-euc', script])}\n"
    (folder / "opscheck.toml").write_text(more + where, encoding="utf-8")
    inventory = load(folder / "opscheck.toml", catalogue.checks(), {}, asked=Asked(asks=True))
    return {name: item.fields for name, item in inventory.lists[0].members.items()}


def printing(folder: Path, document: Any, script: str) -> str:
    """Return a command with another program in place of its first one: it prints a document."""
    (folder / "answer.json").write_text(json.dumps(document), encoding="utf-8")
    return "cat answer.json |" + script.split(" |", 1)[1]


def test_hosts_of_ssh(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host web1\n  HostName 10.0.0.1\nHost *.x\nHost web2\n", encoding="utf-8")
    by_ssh = LIST.replace("tcp", "host").replace('address = "{__host__}:{__port__}"', 'connect = "ssh://{__host__}"')
    assert fields(tmp_path, command("ssh"), by_ssh, HOME=str(tmp_path)).keys() == {"web1", "web2"}


def test_instances_of_consul(tmp_path: Path) -> None:
    with site() as server:
        server.document("/v1/health/service/web", INSTANCES)
        found = fields(tmp_path, command("Consul").replace("http://localhost:8500", server.url))
        assert found["10.0.0.1"]["node"] == "n1"
        assert server.seen[0][1] == "/v1/health/service/web?passing"


def test_services_of_dns(tmp_path: Path) -> None:
    """Where no server answers, dig says so on its standard output, and that is no list."""
    script = command("DNS").replace("_web._tcp.example.com", "_imap._tcp.shop.test")
    zones = in_folder(tmp_path / "zones")
    ask = script.replace("dig ", f"dig -p {zones.port} @127.0.0.1 +tries=1 +timeout=2 ")
    with zones.served():
        assert fields(tmp_path, ask)["mail.shop.test"]["__port__"] == "143"
    with pytest.raises(Exception, match="it has no items"):
        fields(tmp_path, ask)


def test_containers_with_a_label(tmp_path: Path) -> None:
    label = f"opscheck-list={tmp_path.name}"
    by_docker = LIST.replace("tcp", "host")
    by_docker = by_docker.replace('address = "{__host__}:{__port__}"', 'connect = "docker://{__host__}"')
    with container(machine_image(), ["--label", label, "--name", tmp_path.name]):
        assert fields(tmp_path, command("Docker").replace("team=shop", label), by_docker).keys() == {tmp_path.name}


def test_pods_of_kubernetes(tmp_path: Path) -> None:
    found = fields(tmp_path, printing(tmp_path, PODS, command("Kubernetes")))
    assert {name: item["pod"] for name, item in found.items()} == {"10.0.0.1": "web-1", "10.0.0.2": "web-2"}


def test_instances_of_aws(tmp_path: Path) -> None:
    """As the API describes them, which is what the command prints."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"aws_access_key_id": "opscheck", "aws_secret_access_key": "opscheck", "region_name": "us-east-1"}
    client = boto3.client("ec2", endpoint_url=f"http://{host}:{port}", **keys)
    try:
        image = client.describe_images()["Images"][0]["ImageId"]
        [made] = client.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"]
        described = json.loads(json.dumps(client.describe_instances(), default=str))
    finally:
        client.close()
        server.stop()
    by_host = LIST.replace("tcp", "host").replace('address = "{__host__}:{__port__}"', 'connect = "ssh://{__host__}"')
    found = fields(tmp_path, printing(tmp_path, described, command("AWS")), by_host)
    assert found[made["PrivateIpAddress"]]["id"] == made["InstanceId"]
