"""The kind host and the keys of its targets; the probes in host.py and _host_*.py add themselves to it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import AfterValidator, Field

from .._kind import Kind, Target

BACKENDS = (
    "local",
    "ssh",
    "safe-ssh",
    "paramiko",
    "docker",
    "podman",
    "kubectl",
    "openshift",
    "salt",
    "ansible",
    "lxc",
    "chroot",
)


def _known_backend(connect: str) -> str:
    backend, separator, _ = connect.partition("://")
    if not separator:
        raise ValueError(f"it names no way to connect; write for example ssh://deploy@{connect.rpartition('@')[2]}")
    if backend == "winrm":
        raise ValueError(
            "winrm:// leads to Windows, and what is read of a host are POSIX shell scripts; leave this host out, and "
            "check what it serves by [http.NAME], [tls.NAME] and the like"
        )
    if backend == "chroot" and not connect.startswith("chroot:///"):
        raise ValueError("it names no absolute path; write for example chroot:///srv/root")
    if backend == "ansible" and (problem := _not_a_host(connect.partition("://")[2].partition("?")[0])):
        raise ValueError(problem)
    if backend not in BACKENDS:
        raise ValueError(f"unknown way to connect {backend!r}; use one of {', '.join(BACKENDS)}")
    return connect


def _not_a_host(name: str) -> str | None:
    """Return what is wrong with a name of Ansible's that is a pattern, and not one host; a group is known by a run."""
    if name and name not in ("all", "ungrouped") and not re.search(r"[*?\[!&,:~]", name):
        return None
    return (
        f"{name!r} is not one host of Ansible's inventory; name a host, as ansible://web1, or have all of them by "
        '[source.NAME] with format = "ansible"'
    )


def _shell(spec: SplitResult) -> list[str]:
    given = {key: values[-1] for key, values in parse_qs(spec.query).items()}
    match spec.scheme:
        case "ssh" | "safe-ssh" | "paramiko":
            port = {"-p": str(spec.port)} if spec.port else {}
            flags = {**port, "-F": given.get("ssh_config"), "-i": given.get("ssh_identity_file")}
            user = f"{spec.username}@" if spec.username else ""
            return ["ssh", "-v", *_given(flags), f"{user}{spec.hostname}"]
        case "docker" | "podman":
            return [spec.scheme, "exec", "-it", spec.netloc.rpartition("@")[2], "sh"]
        case "kubectl":
            flags = {"-n": given.get("namespace"), "-c": given.get("container")}
            return ["kubectl", "exec", "-it", *_given(flags), spec.netloc, "--", "sh"]
        case "lxc":
            return ["lxc", "exec", spec.netloc, "--", "sh"]
        case "chroot":
            return ["chroot", spec.path, "sh"]
    return []


def _given(flags: Mapping[str, str | None]) -> list[str]:
    return [word for flag, value in flags.items() if value for word in (flag, value)]


class Host(Target):
    """A machine or container."""

    connect: Annotated[str, AfterValidator(_known_backend)] = Field(
        default="local://", description="any testinfra host spec, for example ssh://deploy@prod or docker://web"
    )

    def by_hand(self) -> str | None:
        """Return the command that leads to a shell there; None where a library leads there."""
        try:
            return shlex.join(words) if (words := _shell(urlsplit(self.connect))) else None
        except ValueError:  # an address that testinfra refuses, in its own words
            return None

    def host(self) -> str | None:
        """Return no name: a host is its own."""
        return ""


kind = Kind("host", Host, "a machine or container, reached by any of testinfra's backends")
