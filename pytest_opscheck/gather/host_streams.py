"""Streams to a host's `sh`: a local command's, which is what most of testinfra's backends are, and paramiko's."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Mapping
from typing import IO, Any, Protocol

from ..answers.processes import kill
from ..probes import UnknownError

CHUNK_BYTES = 65536
LONGEST_OUTPUT = 10_000_000
"""Bytes that are read of what a command of a user's own check prints on one of its streams."""
_POLL_S = 0.2
_CHANNEL_POLL_S = 0.01
_LEAVE_S = 1.0
"""How long a command may take to end by itself once its standard input has."""


class Stream(Protocol):
    """A `sh` somewhere, which has been given its script."""

    def read(self, seconds: float) -> tuple[bytes, bytes] | None:
        """Return what has come of output and errors within some seconds, maybe nothing; None where both have ended."""

    def status(self) -> str:
        """Return how it ended, in words."""

    def close(self) -> None:
        """End the standard input, and with it the script; returns soon."""


class ProcessStream:
    """A local command that leads to a `sh`."""

    def __init__(self, command: str, script: str, environ: Mapping[str, str]) -> None:
        self.child = subprocess.Popen(  # noqa: S603 - the command is the one that testinfra's backend has quoted
            ["/bin/sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **environ},
            bufsize=0,
        )
        self._left = memoryview(script.encode())
        self._stdin, self._stdout, self._stderr = self.child.stdin, self.child.stdout, self.child.stderr
        self._selector = selectors.DefaultSelector()
        assert self._stdin and self._stdout and self._stderr  # noqa: S101, PT018 - for the type checker: they are pipes
        os.set_blocking(self._stdin.fileno(), False)
        self._selector.register(self._stdin, selectors.EVENT_WRITE)
        for pipe in (self._stdout, self._stderr):
            self._selector.register(pipe, selectors.EVENT_READ)

    def read(self, seconds: float) -> tuple[bytes, bytes] | None:
        """Return what has come of output and errors within some seconds, maybe nothing; None where both have ended."""
        found: dict[Any, bytes] = {self._stdout: b"", self._stderr: b""}
        # A part of what it started may hold its pipes, as ssh's master does, or one that went to the background.
        ready = self._selector.select(max(0.0, min(seconds, _POLL_S)))
        if not ready and self.child.poll() is not None:
            ready = self._selector.select(0)  # its last words may have come since
            if not ready:
                return None
        for key, _ in ready:
            if key.fileobj is self._stdin:
                self._write()
                continue
            chunk = os.read(key.fd, CHUNK_BYTES)
            found[key.fileobj] = chunk
            if not chunk:
                self._selector.unregister(key.fileobj)
        watched = self._selector.get_map()
        if all(pipe not in watched for pipe in found):
            return None
        return found[self._stdout], found[self._stderr]

    def _write(self) -> None:
        """Write some of the script. Its end is not that of the standard input, which ends with the connection."""
        assert self._stdin is not None  # noqa: S101 - for the type checker
        try:
            self._left = self._left[os.write(self._stdin.fileno(), self._left[:CHUNK_BYTES]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it has ended already, and says why
            self._left = self._left[:0]
        if not self._left:
            self._selector.unregister(self._stdin)

    def status(self) -> str:
        """Return how it ended, in words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return f"exit status {self.child.wait(_LEAVE_S)}"
        return "no end"

    def close(self) -> None:
        """End the standard input, and soon the command too."""
        assert self._stdin is not None  # noqa: S101 - for the type checker
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self.child.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            kill(self.child)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(_LEAVE_S)
        self._selector.close()
        for pipe in (self._stdout, self._stderr):
            if pipe is not None:
                pipe.close()


def printed(child: subprocess.Popen[bytes], told: bytes = b"") -> tuple[bytes, bytes]:
    """Return all that a command prints on its two streams, when it has been told something where it has an input.

    Raises UnknownError where it prints too much.
    """
    assert child.stdout and child.stderr  # noqa: S101, PT018 - for the type checker: they are pipes
    found: dict[Any, bytearray] = {child.stdout: bytearray(), child.stderr: bytearray()}
    listening = child.stdin or contextlib.nullcontext()
    with child.stdout, child.stderr, listening, selectors.DefaultSelector() as selector:
        for pipe in found:
            selector.register(pipe, selectors.EVENT_READ)
        telling = _Telling(child.stdin, told, selector) if child.stdin else None
        while selector.get_map():
            for key, _ in selector.select():
                if telling is not None and key.fileobj is child.stdin:
                    telling.go_on()
                    continue
                chunk = os.read(key.fd, CHUNK_BYTES)
                found[key.fileobj] += chunk
                if not chunk:
                    selector.unregister(key.fileobj)
                _refuse_more(len(found[key.fileobj]))
    child.wait()
    return bytes(found[child.stdout]), bytes(found[child.stderr])


def printed_into(channel: Any) -> tuple[bytes, bytes]:
    """Return all that a command prints on the two streams of a channel of paramiko's. Raises UnknownError likewise."""
    output, errors = bytearray(), bytearray()
    while (come := _come(channel)) is not None:
        if not any(come):
            time.sleep(_CHANNEL_POLL_S)
        output += come[0]
        errors += come[1]
        _refuse_more(max(len(output), len(errors)))
    return bytes(output), bytes(errors)


def _come(channel: Any) -> tuple[bytes, bytes] | None:
    """Return what has come of output and errors, maybe nothing; None where both have ended."""
    over = channel.eof_received or channel.closed
    out = channel.recv(CHUNK_BYTES) if channel.recv_ready() else b""
    err = channel.recv_stderr(CHUNK_BYTES) if channel.recv_stderr_ready() else b""
    return None if over and not (out or err) else (out, err)


def _refuse_more(size: int) -> None:
    if size > LONGEST_OUTPUT:
        raise UnknownError(
            f"the command printed more than the {LONGEST_OUTPUT / 1_000_000:g} MB that are read; "
            "make it print less, for example with head -c"
        )


class _Telling:
    """What a command is told, as fast as it takes it; who reads no more is told no more."""

    def __init__(self, pipe: IO[bytes], told: bytes, selector: selectors.BaseSelector) -> None:
        self._pipe, self._left, self._selector = pipe, memoryview(told), selector
        os.set_blocking(pipe.fileno(), False)
        selector.register(pipe, selectors.EVENT_WRITE)

    def go_on(self) -> None:
        """Tell some more; where nothing is left, close the pipe."""
        with contextlib.suppress(BrokenPipeError):
            self._left = self._left[os.write(self._pipe.fileno(), self._left) :]
            if self._left:
                return
        self._selector.unregister(self._pipe)
        self._pipe.close()


class ChannelStream:
    """A channel of paramiko's, in which a `sh` runs. `client` is closed with it."""

    def __init__(self, client: Any, command: str, script: str, connect_s: float) -> None:
        self._client = client
        self._channel = client.get_transport().open_session(timeout=connect_s)
        self._channel.settimeout(connect_s)
        self._channel.exec_command(command)
        self._left = memoryview(script.encode())

    def read(self, seconds: float) -> tuple[bytes, bytes] | None:
        """Return what has come of output and errors within some seconds, maybe nothing; None where both have ended."""
        until = time.monotonic() + min(seconds, _POLL_S)
        while True:
            self._write()
            come = _come(self._channel)
            if come is None or any(come) or time.monotonic() >= until:
                return come
            time.sleep(_CHANNEL_POLL_S)

    def _write(self) -> None:
        """Write some of the script. Its end is not that of the standard input, which ends with the connection."""
        try:
            while self._left and self._channel.send_ready():
                self._left = self._left[self._channel.send(self._left[:CHUNK_BYTES]) :]
        except OSError:  # it has ended already, and says why
            self._left = self._left[:0]

    def status(self) -> str:
        """Return how it ended, in words."""
        if self._channel.status_event.wait(_LEAVE_S):
            return f"exit status {self._channel.exit_status}"
        return "no end"

    def close(self) -> None:
        """End the standard input, and the connection."""
        self._client.close()
