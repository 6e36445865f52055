"""A host of Ansible's: it is one, and not a group; and a script that Ansible's modules carry as it is."""

from __future__ import annotations

import ast
import base64
import copy
import difflib
import re
import shlex
import shutil
from collections.abc import Callable
from typing import Any

from ..core.humanize import counted
from ..probes import UnreachableError

_SHOWN = 3


def resolved(backend: Any) -> Any:
    """Return the backend by which Ansible's inventory says that its host is reached; its own where it says none.

    Raises UnreachableError for what is not a host there.
    """
    if shutil.which("ansible-inventory") is None:
        raise UnreachableError("there is no ansible-inventory in PATH here; install ansible-core, or use ssh://")
    _require_host(backend.ansible_runner, backend.host)
    if backend.force_ansible:
        return backend
    files = {"ssh_config": backend.ssh_config, "ssh_identity_file": backend.ssh_identity_file}
    host = backend.ansible_runner.get_host(backend.host, **files)
    return copy.copy(host.backend) if host is not None else backend


def _require_host(runner: Any, name: str) -> None:
    """Raise UnreachableError for a name that is not one host: what runs there would run on several, or on another."""
    try:
        hosts = runner.get_hosts("localhost" if name == "localhost" else "all")
        meant = runner.get_hosts(name)
    except (AssertionError, RuntimeError) as error:
        raise UnreachableError(f"Ansible's inventory can't be read: {in_words(error)}") from None
    if name in hosts:
        return
    if meant:
        first = ", ".join(meant[:_SHOWN]) + (", ..." if len(meant) > _SHOWN else "")
        raise UnreachableError(
            f"{name} is a group of Ansible's, with {counted(len(meant), 'host')} ({first}), and not a host; name a "
            f'host, or have them all by [source.NAME] with format = "ansible" and where = {{ group = "{name}" }}'
        )
    near = difflib.get_close_matches(name, hosts, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(hosts[:_SHOWN])}"
    raise UnreachableError(f"Ansible's inventory has no host {name}; {hint}")


def only_a_host(backend: Any) -> None:
    """Have one of testinfra's backends, which a user's own test has, run nothing where its name is not one host."""
    for name in ("run", "run_ansible"):
        setattr(backend, name, _guarded(backend, getattr(backend, name)))


def _guarded(backend: Any, run: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*args: Any, **options: Any) -> Any:
        _require_host(backend.ansible_runner, backend.host)
        return run(*args, **options)

    return guarded


def command(backend: Any, script: str, seconds: float) -> str:
    """Return a script as the word of a command line; for Ansible it has none of the braces that are its templates."""
    if backend.NAME != "ansible":
        return f"timeout -k 1 {seconds:g} sh -c {shlex.quote(script)}"
    packed = base64.b64encode(script.encode()).decode()
    return f"printf %s {packed} | base64 -d | timeout -k 1 {seconds:g} sh -s opscheck"


def in_words(error: Exception) -> str:
    """Return what Ansible's programs said, of an error of testinfra's that quotes the whole command."""
    texts = [
        _text(match[1])
        for match in re.finditer(r"_?std(?:err|out)=(b?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"))", str(error))
    ]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    told = [match[1] for line in lines if (match := re.search(r'"msg": "(.*?)",?$|\[?ERROR\]?[:!] (.*)', line))]
    named = [each for each in told if each] or [line for line in lines if line and "WARNING" not in line]
    return "; ".join(dict.fromkeys(named[:_SHOWN])) or f"{type(error).__name__}: {error}"[:300]


def _text(literal: str) -> str:
    found = ast.literal_eval(literal)
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
