"""What `opscheck init` sees of this machine: it only reads, needs no rights of its own, and every look ends soon."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..probes import UnknownError, UnreachableError

_LOOK_S = 3
_HANDSHAKE_S = 0.5
_POSTGRES_PORT = 5432
_REDIS_PORT = 6379
_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""What a PostgreSQL client asks first: whether the server speaks TLS. It answers S or N before anybody signs in."""
_LISTEN = "0A"

_NOT_A_DISK = re.compile(r"squashfs|iso9660|nfs|cifs|smb|fuse|ceph|glusterfs|lustre|9p|afs|beegfs|virtiofs")
_SERVICES = re.compile(
    r"(nginx|apache2|httpd|haproxy|caddy|traefik|envoy|varnish|squid|postgresql|pgbouncer|mysql|mariadb|mongod|redis|valkey|memcached"
    r"|rabbitmq|kafka|zookeeper|elasticsearch|opensearch|clickhouse|docker|containerd|podman|k3s|kubelet|gunicorn|uwsgi|celery|php[0-9.]*-fpm"
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
    """A Compose project on the local engine. `healthy` and `up` count its services that are so just now."""

    name: str
    services: tuple[str, ...]
    with_health_check: int


@dataclass(frozen=True, slots=True)
class RedisPort:
    """A port on which Redis answers; `open` says that it asked for no password."""

    port: int
    open: bool


@dataclass(frozen=True, slots=True)
class Docker:
    """What the local engine said. `problem` says why it said nothing."""

    projects: tuple[Project, ...] = ()
    problem: str | None = None


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
    for line in _lines(Path("/proc/self/mounts")):
        fields = line.split()
        path = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), fields[1])
        if not fields[0].startswith("/dev/") or _NOT_A_DISK.match(fields[2]):
            continue
        with contextlib.suppress(OSError):
            usage = shutil.disk_usage(path)
            if usage.total and (device := os.stat(path).st_dev) not in found and os.path.isdir(path):  # noqa: PTH112, PTH116
                found[device] = Mount(path, 100 * usage.used / ((usage.used + usage.free) or 1))
    return sorted(found.values(), key=lambda mount: mount.path)


def services() -> list[str]:
    """Return the running systemd units that matter: known servers, and units that somebody wrote for this machine."""
    command = ["systemctl", "list-units", "--type=service", "--state=running", "--plain", "--no-legend", "--no-pager"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=_LOOK_S, check=False).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return []
    own = {path.name for path in Path("/etc/systemd/system").glob("*.service") if not path.is_symlink()}
    units = [line.split()[0] for line in output.splitlines() if line.strip()]
    kept = [unit for unit in units if unit in own or _SERVICES.match(unit)]
    return sorted(unit.removesuffix(".service") for unit in kept)


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
        reason = "permission denied" if "permission denied" in str(error) else "it does not answer"
        return Docker(problem=reason)


def _projects(listed: list[dict[str, object]]) -> Iterator[Project]:
    projects: dict[str, dict[str, bool]] = {}
    for container in listed:
        labels = container.get("Labels")
        if not isinstance(labels, dict) or labels.get("com.docker.compose.oneoff", "False") == "True":
            continue
        state = str(container.get("Status", ""))
        services = projects.setdefault(labels["com.docker.compose.project"], {})
        service = labels.get("com.docker.compose.service", "?")
        services[service] = services.get(service, False) or "health" in state
    for name, services in sorted(projects.items()):
        yield Project(name, tuple(sorted(services)), sum(services.values()))


# Ports


def listening() -> set[int]:
    """Return the TCP ports on which something listens, on whatever address."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in _lines(Path("/proc/net") / name)]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if len(row) > 3 and row[3] == _LISTEN}  # noqa: PLR2004


def postgres_ports(ports: set[int]) -> list[int]:
    """Return the ports on which PostgreSQL answers: its usual one, and those that its sockets are named after."""
    sockets = [*Path("/var/run/postgresql").glob(".s.PGSQL.*"), *Path("/tmp").glob(".s.PGSQL.*")]  # noqa: S108
    named = {int(path.suffix[1:]) for path in sockets if path.suffix[1:].isdigit()}
    return [port for port in sorted(ports & {_POSTGRES_PORT, *named}) if _ask(port, _SSL_REQUEST)[:1] in (b"S", b"N")]


def redis_ports(ports: set[int]) -> list[RedisPort]:
    """Return the ports on which Redis answers: its usual one, and those that its processes are titled with."""
    named = set()
    for pid in _process_ids():
        title = "".join(_lines(pid / "cmdline")[:1])
        if match := re.match(r"\S*(?:redis|valkey)-server \S*:(\d+)", title):
            named.add(int(match[1]))
    found = []
    for port in sorted(ports & {_REDIS_PORT, *named}):
        answer = _ask(port, b"PING\r\n")
        if answer.startswith((b"+PONG", b"-NOAUTH")):
            found.append(RedisPort(port, answer.startswith(b"+")))
    return found


def _process_ids() -> list[Path]:
    with contextlib.suppress(OSError):
        return [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    return []


def _ask(port: int, question: bytes) -> bytes:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=_HANDSHAKE_S) as sock:
        sock.sendall(question)
        return sock.recv(64)
    return b""


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
