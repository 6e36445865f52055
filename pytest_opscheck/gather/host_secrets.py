"""Keeps secrets out of the command lines by which testinfra's backends get to a host: `ps` shows those to everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SSH = ("ssh", "safe-ssh")
WITH_STDIN = {"docker", "podman", "kubectl", "openshift"}
"""Backends whose `exec` passes the standard input on where it is told to, by `-i`."""
_LAST_SHELL = "/bin/sh -c %s"
_SSHPASS = "sshpass -p %s "


@dataclass(frozen=True)
class Local:
    """A local command, and what it is told otherwise than by its words."""

    command: str
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: bytes = field(default=b"", repr=False)


def without_password(backend: Any, template: str, args: Sequence[str]) -> Local:
    """Return a local command as one of testinfra's backends makes it, but with a password in its environment."""
    if template.startswith(_SSHPASS):
        rest = template.removeprefix(_SSHPASS)
        return Local(backend.quote(f"sshpass -e {rest}", *args[1:]), {"SSHPASS": args[0]})
    return Local(backend.quote(template, *args))


def hidden(backend: Any, template: str, args: Sequence[str], is_secret: Callable[[str], bool]) -> Local:
    """Return a local command likewise; where what it runs there holds a secret, a shell reads that from its input."""
    script, way, words = _apart(backend, template, args)
    if not is_secret(script):
        return without_password(backend, template, args)
    made = without_password(backend, with_stdin(backend, way), words)
    return Local(made.command, made.environ, f"{{\n{script}\n}} </dev/null\n".encode())


def with_stdin(backend: Any, template: str) -> str:
    """Return a local command that passes its standard input on."""
    return template.replace("exec ", "exec -i ", 1) if backend.NAME in WITH_STDIN else template


def _apart(backend: Any, template: str, args: Sequence[str]) -> tuple[str, str, Sequence[str]]:
    """Return what a local command runs, nothing where that can't be told, and the way to a shell that reads it."""
    if backend.NAME == "local":
        return backend.quote(template, *args), "/bin/sh -s", ()
    if template.endswith(_LAST_SHELL):
        return args[-1], f"{template.removesuffix(_LAST_SHELL)}/bin/sh -s", args[:-1]
    if backend.NAME in SSH and template.endswith(" %s %s"):
        return args[-1], f"{template.removesuffix('%s')}sh -s", args[:-1]
    return "", template, args
