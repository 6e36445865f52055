"""Has paramiko do as ssh does: know hosts by known_hosts, and give commands nothing to read and a bound."""

from __future__ import annotations

import contextlib
import functools
import re
from pathlib import Path
from typing import Any

from ..core.visible import typed
from .host_streams import printed_into

_EVERYBODYS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_OWN = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
FOREIGN = "what answers there does not speak SSH"
_BANNER = "Error reading SSH protocol banner"
LONGEST_PACKET = 262_144
"""Bytes of one packet of the protocol, as OpenSSH has it: whoever says more is not an SSH server, or worse."""


def careful(backend: Any) -> Any:
    """Return one of testinfra's backends of paramiko.

    By itself it takes whatever key a host shows, never ends where a command reads, and reads endless output.
    """
    known = functools.cached_property(_client)
    backend.__class__ = type("CarefulBackend", (type(backend),), {"client": known, "_exec_command": _exec_command})
    known.__set_name__(type(backend), "client")
    return backend


def _client(backend: Any) -> Any:
    """Return a connected client, made of what testinfra's takes: the host spec and ssh's configuration."""
    import paramiko

    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    where = {"hostname": backend.host.name, "port": int(backend.host.port or 22), "username": backend.host.user}
    file = Path(backend.ssh_config or "~/.ssh/config").expanduser()
    options: Any = {}
    if backend.ssh_config or file.is_file():
        config = paramiko.SSHConfig.from_path(str(file))
        backend._load_ssh_config(client, where, config, str(file.parent))  # noqa: SLF001 - testinfra's own reading of it
        options = config.lookup(backend.host.name)
    for name in _known_hosts(options):
        client.load_system_host_keys(name)
    if backend.ssh_identity_file:
        where["key_filename"] = backend.ssh_identity_file
    try:
        client.connect(**where, timeout=backend.timeout, password=backend.host.password, transport_factory=_transport)
    except paramiko.SSHException as error:
        client.close()
        if isinstance(error, paramiko.BadHostKeyException) or "known_hosts" in str(error):
            raise paramiko.SSHException(_unknown(where, error)) from None
        raise
    return client


def _exec_command(backend: Any, command: bytes) -> tuple[int, bytes, bytes]:
    """Run a command that has nothing to read, and return its exit status, output and errors.

    Raises SSHException where the connection is lost meanwhile: what has come is not all that it printed.
    """
    import paramiko

    transport = backend.client.get_transport()
    with contextlib.closing(transport.open_session()) as channel:
        if backend.get_pty:
            channel.get_pty()
        channel.exec_command(command)
        channel.shutdown_write()
        output, errors = printed_into(channel)
        status = channel.recv_exit_status()
        if status == -1 and not transport.is_active():
            raise paramiko.SSHException("the connection was lost while the command ran")
        return status, output, errors


def _transport(sock: Any, **options: Any) -> Any:
    """Return paramiko's transport, which by itself takes packets of any length into its memory."""
    import paramiko
    from paramiko.packet import Packetizer

    class Bounded(Packetizer):  # type: ignore[misc]  # paramiko has no types
        _banner_bytes = 0

        def read_all(self, n: int, check_rekey: bool = False) -> bytes:
            self._refuse(n)
            found: bytes = super().read_all(n, check_rekey)
            return found

        def _read_timeout(self, timeout: float) -> bytes:
            found: bytes = super()._read_timeout(timeout)
            self._banner_bytes += len(found)
            self._refuse(self._banner_bytes)
            return found

        def _refuse(self, size: int) -> None:
            if size > LONGEST_PACKET:
                raise paramiko.SSHException(f"{FOREIGN}: it sends {size:,} bytes where {LONGEST_PACKET:,} are most")

    return paramiko.Transport(sock, packetizer_class=Bounded, **options)


def in_words(error: Exception, timeout_s: float) -> str:
    """Return what paramiko raised in the words of ssh."""
    if inner := next(iter(getattr(error, "errors", {}).values()), None):  # of each address of a name
        error = inner
    closed = "it closed the connection during the SSH handshake"
    text = closed if isinstance(error, EOFError) else str(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if text == "No existing session":  # it logs in although nothing has come
        return f"no SSH handshake within {timeout_s:g} s; check whether it hangs, or a firewall drops packets to it"
    if (rest := text.removeprefix(_BANNER)) != text:
        return _without_banner(rest)
    if re.match("Indecipherable protocol version|Invalid SSH banner|Invalid packet blocking", text):
        return FOREIGN
    if FOREIGN in text:
        return text[text.index(FOREIGN) :]
    return re.sub(r"^Incompatible ssh peer \((.*)\)$", rf"{FOREIGN} as paramiko does: \1", text)


def _without_banner(text: str) -> str:
    if "reset" in text:
        return "connection reset by peer"
    if "codec" in text:
        return FOREIGN
    return text[text.index(FOREIGN) :] if FOREIGN in text else "it closed the connection before identifying itself"


def _known_hosts(value: Any) -> list[str]:
    """Return the files of known hosts that there are, by ssh's configuration of a host."""
    own, all_ = value.get("userknownhostsfile"), value.get("globalknownhostsfile")
    named = [*(own.split() if own else _OWN), *(all_.split() if all_ else _EVERYBODYS)]
    files = [Path(name).expanduser() for name in named]
    return [str(file) for file in files if file.is_file()]


def _unknown(where: dict[str, Any], error: Exception) -> str:
    import paramiko

    name, port = where["hostname"], where["port"]
    place = f"[{name}]:{port}" if port != paramiko.config.SSH_PORT else name
    if isinstance(error, paramiko.BadHostKeyException):
        return (
            f"the host key of {place} has changed and differs from the one in known_hosts; find out why before you "
            f"remove the old one: ssh-keygen -R {typed(place)}"
        )
    ssh = " ".join(["ssh", *(["-p", str(port)] if port != paramiko.config.SSH_PORT else []), typed(name)])
    return (
        f"the host key of {place} is not known: no known_hosts has it; log in once with `{ssh}` and compare the "
        f"fingerprint, or add what `ssh-keyscan -p {port} {typed(name)}` says once you have compared it"
    )
