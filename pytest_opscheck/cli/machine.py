"""What `opscheck init` sees of this machine: it only reads, needs no rights of its own, and every look ends soon."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from ..probes import UnknownError, UnreachableError

_LOOK_S = 3

_NOT_A_DISK = re.compile(r"squashfs|iso9660|nfs|cifs|smb|fuse|ceph|glusterfs|lustre|9p|afs|beegfs|virtiofs")
_SERVICES = re.compile(
    r"(nginx|apache2|httpd|haproxy|caddy|traefik|envoy|varnish|squid|postgres(?:ql)?|pgbouncer|mysqld?|mariadbd?|mongod|redis|valkey|memcached"
    r"|rabbitmq|kafka|zookeeper|elasticsearch|opensearch|clickhouse|dockerd?|containerd|podman|k3s|kubelet|gunicorn|uwsgi|celery|php[0-9.]*-fpm"
    r"|puma|sidekiq|tomcat|ssh|sshd|cron|crond|postfix|exim4|dovecot|bind9|named|unbound|dnsmasq|chrony|ntp|prometheus|grafana"
    r"|alertmanager|loki|node_exporter|vault|consul|nomad|fail2ban|openvpn|wg-quick|minio)\b"
)


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted filesystem of a disk, and how full it is, in percent."""

    path: str
    used_percent: float


@dataclass(frozen=True, slots=True)
class Project:
    """A Compose project: its services that run, how many of these have health checks, and those that do not run."""

    name: str
    services: tuple[str, ...]
    with_health_check: int
    down: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Systemd:
    """The running units that matter; `runs` is False where there is no systemd, and `problem` why it said nothing."""

    runs: bool
    units: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Docker:
    """What the local engine said. `problem` says why it said nothing; `denied`, that this user may not ask."""

    projects: tuple[Project, ...] = ()
    problem: str | None = None
    denied: bool = False


def timezone(etc: Path = Path("/etc")) -> str | None:
    """Return the name of this machine's time zone."""
    linked = os.path.realpath(etc / "localtime").partition("/zoneinfo/")[2]
    for name in (linked, *_lines(etc / "timezone")[:1]):
        with contextlib.suppress(zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            return zoneinfo.ZoneInfo(name).key
    return None


def mounts() -> list[Mount]:
    """Return the disks' filesystems. Network filesystems are not asked: a dead server would hold us up."""
    found: dict[int, Mount] = {}
    for each in psutil.disk_partitions(all=False):
        if not each.device.startswith("/dev/") or _NOT_A_DISK.match(each.fstype):
            continue
        with contextlib.suppress(OSError):
            usage, path = psutil.disk_usage(each.mountpoint), Path(each.mountpoint)
            if usage.total and (device := path.stat().st_dev) not in found and path.is_dir():
                found[device] = Mount(each.mountpoint, usage.percent)
    return sorted(found.values(), key=lambda mount: mount.path)


def systemd() -> Systemd:
    """Return the running units that matter: known servers, and units that somebody wrote for this machine."""
    if not Path("/run/systemd/system").is_dir():
        return Systemd(runs=False)
    command = ["systemctl", "list-units", "--type=service", "--state=running", "--plain", "--no-legend", "--no-pager"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=_LOOK_S, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return Systemd(runs=True, problem="systemctl does not list its units; see: systemctl list-units --type=service")
    own = {path.name for path in Path("/etc/systemd/system").glob("*.service") if not path.is_symlink()}
    units = [line.split()[0] for line in output.splitlines() if line.strip()]
    kept = [unit for unit in units if unit in own or is_service(unit)]
    return Systemd(runs=True, units=tuple(sorted(unit.removesuffix(".service") for unit in kept)))


def is_service(name: str) -> bool:
    """Tell whether a unit or a program is a known server, by its name."""
    return _SERVICES.match(name) is not None


def docker() -> Docker:
    """Return the Compose projects of the local engine."""
    if not os.environ.get("DOCKER_HOST") and not Path("/var/run/docker.sock").exists():
        return Docker()
    from ..probes.docker._engine import connected
    from ..probes.docker._why import understood

    try:
        with connected(None, _LOOK_S) as client, understood("/containers/json"):
            listed = client.containers(all=True, filters={"label": "com.docker.compose.project"})
            return Docker(tuple(_projects(listed)))
    except (UnreachableError, UnknownError, ImportError) as error:
        denied = "permission denied" in str(error)
        return Docker(problem="permission denied" if denied else "it does not answer", denied=denied)


def _projects(listed: list[dict[str, object]]) -> Iterator[Project]:
    """Yield the projects of containers as the engine lists them; one-off ones (`docker compose run`) do not count."""
    projects: dict[str, dict[str, list[str]]] = {}
    for container in listed:
        labels = container.get("Labels")
        if not isinstance(labels, dict) or labels.get("com.docker.compose.oneoff", "False") == "True":
            continue
        services = projects.setdefault(labels["com.docker.compose.project"], {})
        running = str(container.get("Status", "")) if container.get("State") == "running" else ""
        services.setdefault(labels.get("com.docker.compose.service", "?"), []).append(running)
    for name, services in sorted(projects.items()):
        up = sorted(service for service, states in services.items() if any(states))
        healthy = sum(any("health" in state for state in services[service]) for service in up)
        yield Project(name, tuple(up), healthy, tuple(sorted(services.keys() - set(up))))


# Certificates


def certificate_names(etc: Path = Path("/etc")) -> list[str]:
    """Return the names for which this machine has certificates: certbot's, and those of nginx's servers with TLS."""
    names = {path.parent.name for path in _glob(etc / "letsencrypt/live", "*/cert.pem")}
    for folder, pattern in (("nginx/sites-enabled", "*"), ("nginx/conf.d", "*.conf"), ("nginx", "nginx.conf")):
        for file in _glob(etc / folder, pattern):
            names |= _nginx_names("\n".join(_lines(file)))
    return sorted(name for name in names if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name))


def _nginx_names(text: str) -> set[str]:
    """Return the server names of those `server` blocks that have TLS."""
    text = re.sub(r"#.*", "", text)
    names: set[str] = set()
    for block in re.split(r"\bserver\s*\{", text)[1:]:
        if re.search(r"\blisten\s[^;]*\bssl\b", block) or re.search(r"\blisten\s+(\S*:)?443\b", block):
            for match in re.finditer(r"\bserver_name\s+([^;]+);", block):
                names.update(match[1].split())
    return names


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").replace("\0", " ").splitlines()
    except OSError:
        return []
