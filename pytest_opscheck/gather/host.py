"""Contacts a host once: all the parts that are owed of it travel as one script, and come back one by one.

The script reaches the host's `sh` by its standard input, whatever the login shell is: nothing of it is a word of a
command line, which Linux bounds and `ps` shows. testinfra's backends say how to get there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from ..answers.processes import kill
from ..probes import Output, Part, UnreachableError
from ..probes._excerpt import excerpt
from . import host_ansible
from .host_causes import SEE_SHELL, causes, shown, unreachable
from .host_paramiko import careful, in_words
from .host_script import AT_ONCE, NOISE_BYTES, Received, script
from .host_secrets import SSH, Local, hidden, with_stdin, without_password
from .host_streams import ChannelStream, ProcessStream, Stream, printed

CONNECT_SECONDS = 10
"""How long it may take to connect, to log in after that, and to get the script's first word after that."""
GRACE_SECONDS = 2

_SHELL = "sh -s opscheck"
"""What a host runs, in words that every login shell takes; by the last one, its processes are known to be ours."""
_AUTHENTICATED = b"\nAuthenticated to "
_COMMAND_BYTES = 100_000
"""How long a script may be where it has to be a word of a command line, which Linux allows 128 KiB."""
_NOISE_LIMIT = 4_000_000
"""Bytes that may be printed beside the script's own lines: no startup file has that much to say."""
_STDERR_BYTES = 16_384
"""How much is kept of what the connection's program says on its standard error: its end."""


@dataclass
class HostConnection:
    """One host, reached by one of testinfra's backends.

    `connect` is a testinfra host spec, for example `ssh://deploy@prod`.
    """

    connect: str
    _children: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def run(
        self,
        parts: Sequence[Part],
        *,
        begun: Callable[[], None] = lambda: None,
        put: Callable[[int, Output], None] = lambda _number, _output: None,
    ) -> list[Output]:
        """Run parts as one script, and return what each printed.

        `begun` is called with the script's first word, `put` with each part's number and output as soon as it has come.
        Raises UnreachableError where the script did not even begin.
        """
        backend = self._backend()
        word, sent = secrets.token_hex(8), time.time()
        stream = self._stream(backend, script(word, parts, watched=True))
        if stream is None:
            return self._run_at_once(backend, parts, begun, put)
        talk = _Talk(stream, Received(word, parts), parts, sent, backend.NAME)
        try:
            talk.await_begin()
            begun()
            for number in talk.numbers():
                put(number, talk.output(number))
        finally:
            stream.close()
            if isinstance(stream, ProcessStream):
                with self._lock:
                    self._children.discard(stream.child)
        return [talk.output(number) for number in range(len(parts))]

    @staticmethod
    def seconds(parts: Sequence[Part]) -> float:
        """Return how long parts may take in all, however many of them hang."""
        waves = -(-len(parts) // AT_ONCE)
        return waves * (max((part.seconds for part in parts), default=0) + GRACE_SECONDS) + GRACE_SECONDS

    def close(self) -> None:
        """End what still runs; a later run ends at once."""
        with self._lock:
            self._closed = True
            children = list(self._children)
        for child in children:
            kill(child)

    def _backend(self) -> Any:
        """Return a testinfra backend of this contact's own: those that testinfra caches belong to the user's checks."""
        from testinfra.backend import get_backend

        try:
            place, options = host_spec(self.connect)
            backend = get_backend(place, **options)
            if backend.NAME == "ansible":
                backend = host_ansible.resolved(backend)
        except UnreachableError:
            raise
        except Exception as error:  # noqa: BLE001 - testinfra raises whatever its backends' libraries do
            raise UnreachableError(str(error)) from None
        if backend.NAME == "paramiko":
            careful(backend)
        if self._is_ssh(backend):
            backend.controlpersist, backend.timeout = 0, CONNECT_SECONDS
            # Nobody is there to answer a question, so ssh asks none. It says when it is let in, and why it is not.
            ours = ["-T -o LogLevel=VERBOSE", "" if backend.host.password else "-o BatchMode=yes"]
            backend.ssh_extra_args = " ".join(filter(None, [backend.ssh_extra_args, *ours]))
        backend.get_encoding = lambda: "utf-8"  # or else it runs a command there to find out
        return backend

    @staticmethod
    def _is_ssh(backend: Any) -> bool:
        return backend.NAME in SSH

    def _stream(self, backend: Any, text: str) -> Stream | None:
        """Have a `sh` there read a script; None where the backend has no standard input.

        salt and Ansible's own modules have none: see `_run_at_once`.
        """
        if backend.NAME == "paramiko":
            return _channel(backend, text)
        if backend.NAME in ("salt", "ansible"):
            return None
        command, environ = _command_to(backend, _SHELL)
        try:
            stream = ProcessStream(command, text, environ)
        except OSError as error:
            raise UnreachableError(str(error)) from None
        with self._lock:
            self._children.add(stream.child)
            closed = self._closed
        if closed:
            kill(stream.child)
        return stream

    def _run_at_once(
        self,
        backend: Any,
        parts: Sequence[Part],
        begun: Callable[[], None],
        put: Callable[[int, Output], None],
    ) -> list[Output]:
        """Run parts where a script has to be a word of a command line: as many scripts as make each short enough."""
        outputs: list[Output] = []
        for few in _short(backend, parts):
            word, sent = secrets.token_hex(8), time.time()
            command = host_ansible.command(backend, script(word, few, watched=False), self.seconds(few))
            try:
                result = backend.run(command)
            except Exception as error:  # noqa: BLE001 - testinfra's backends raise whatever their libraries do
                raise unreachable(host_ansible.in_words(error)) from None
            received = Received(word, few)
            received.feed(result.stdout_bytes + b"\n")
            if received.begun is None:
                stderr = result.stderr_bytes.decode("utf-8", "replace")
                raise unreachable(stderr, received.noise.decode("utf-8", "replace"))
            ahead = (received.begun[0] - time.time(), received.begun[1] - sent)
            if not outputs:
                begun()
            for number in range(len(few)):
                lost = _MIXED if received.is_garbled else None
                output = dataclasses.replace(received.output(number), ahead_s=ahead, lost=lost)
                put(len(outputs), output)
                outputs.append(output)
        return outputs

    def carry(self, backend: Any, is_secret: Callable[[str], bool]) -> None:
        """Have one of testinfra's backends run its local commands so that they are ended with who waits for them.

        `is_secret` tells whether a text holds a secret: then it is not a word of a command line.
        """
        backend.run_local = partial(self._run_local, backend, is_secret)

    def _run_local(self, backend: Any, is_secret: Callable[[str], bool], command: str, *args: str) -> Any:
        """Run a local command as testinfra's backends do, but so that it can be ended, also from another thread."""
        local = hidden(backend, command, args, is_secret)
        child = subprocess.Popen(  # noqa: S603 - the command is the one that testinfra's backend has quoted
            ["/bin/sh", "-c", local.command],
            stdin=subprocess.PIPE if local.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **local.environ},
        )
        with self._lock:
            self._children.add(child)
            closed = self._closed
        if closed:
            kill(child)
        try:
            stdout, stderr = printed(child, local.stdin)
        except BaseException:  # the time of the test that waits is over, or somebody has stopped the run
            kill(child)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(GRACE_SECONDS)
            raise
        finally:
            with self._lock:
                self._children.discard(child)
        return backend.result(child.returncode, local.command.encode(), stdout, stderr)


_MIXED = "something else there prints into the script's output"


class _Talk:
    """What a `sh` says to a script: its first word, and then each part's output, with an end to every wait."""

    def __init__(self, stream: Stream, received: Received, parts: Sequence[Part], sent: float, way: str) -> None:
        self._stream, self._received, self._parts, self._sent = stream, received, parts, sent
        self._stderr, self._stderr_bytes = b"\n", 0
        self._way = way
        self._logged_in = way not in SSH
        self._ahead: tuple[float, float] | None = None
        self._lost: str | None = None
        self._late = [float("inf")] * len(parts)
        self._heard, self._idle = 0.0, False
        self._given_up: set[int] = set()

    def _read(self, until: float) -> list[int] | None:
        """Take what comes; returns the numbers of parts of which something came, None where the stream has ended."""
        found = self._stream.read(until - time.monotonic())
        if found is None:
            return None
        out, err = found
        self._idle = not (out or err)
        if not self._idle:
            self._heard = time.monotonic()
        stderr = self._stderr + err
        self._logged_in = self._logged_in or _AUTHENTICATED in stderr.replace(b"\r", b"\n")
        self._stderr, self._stderr_bytes = stderr[-_STDERR_BYTES:], self._stderr_bytes + len(err)
        return self._received.feed(out)

    def await_begin(self) -> None:
        """Wait for the script's first word. Raises UnreachableError where it does not come."""
        received = self._received
        until = time.monotonic() + (2 if self._way in SSH else 1) * CONNECT_SECONDS
        while received.begun is None:
            logged_in = self._logged_in
            if self._read(until) is None:
                raise unreachable(self._said(), self._noise(), self._exit())
            if self._logged_in and not logged_in:
                until = time.monotonic() + CONNECT_SECONDS
            if max(received.noise_bytes, self._stderr_bytes) > _NOISE_LIMIT and received.begun is None:
                raise UnreachableError(self._flooding())
            if time.monotonic() >= until and received.begun is None:
                raise UnreachableError(self._silent())
        least, most = received.begun
        self._ahead = (least - time.time(), most - self._sent)

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of parts, each as soon as all of it has come or is not waited for any more."""
        received, missing = self._received, set(range(len(self._parts)))
        self._heard, heard = time.monotonic(), list(missing)
        while not received.is_garbled:
            now = time.monotonic()
            for number in heard:
                if received.began(number) and self._late[number] == float("inf"):
                    self._late[number] = now + self._parts[number].seconds + GRACE_SECONDS
            over = [number for number in sorted(missing) if received.done(number) or self._is_late(number, now)]
            for number in over:
                missing.remove(number)
                self._given_up.add(number)
                yield number
            if not missing:
                break
            self._lost = self._why_in_vain()
            if self._lost is not None:
                break
            # One that has not begun waits for one that runs; where none runs, it should begin at once.
            running = [self._late[number] for number in missing if received.began(number)]
            until = min(running, default=self._heard + CONNECT_SECONDS)
            if not running and now >= until and self._idle:
                self._lost = f"the host has sent nothing for {CONNECT_SECONDS} s"
                break
            came = self._read(until)
            if came is None:
                self._lost = self._why_lost()
                break
            heard = came
        if received.is_garbled:
            self._lost = f"{_MIXED}: {excerpt(self._noise())}; {SEE_SHELL}"
        yield from sorted(missing)

    def _why_in_vain(self) -> str | None:
        """Return why there is nothing more to wait for, None where there is."""
        if self._received.noise_bytes > _NOISE_LIMIT:
            return f"something else there prints endlessly: {excerpt(self._noise())}; {SEE_SHELL}"
        if self._received.ended:
            return ": ".join(filter(None, ("the shell there did not run it", causes(self._said()))))
        return None

    def _is_late(self, number: int, now: float) -> bool:
        """Tell whether a part's time is over, and nothing has come that nobody has looked at yet."""
        return self._idle and now >= self._late[number]

    def output(self, number: int) -> Output:
        """Return what has come of a part."""
        output = self._received.output(number)
        is_whole = self._received.done(number) and not self._received.is_garbled
        lost = None if is_whole or number in self._given_up else self._lost
        return dataclasses.replace(output, ahead_s=self._ahead, lost=lost)

    def _why_lost(self) -> str:
        cause = causes(self._said())
        return "the connection was lost" + (f": {cause}" if cause else f" ({self._exit()})")

    def _said(self) -> str:
        return self._stderr.decode("utf-8", "backslashreplace")

    def _noise(self) -> str:
        return self._received.noise[-NOISE_BYTES:].decode("utf-8", "backslashreplace")

    def _flooding(self) -> str:
        """Return that more was printed than is read, and what."""
        where = "" if self._received.noise_bytes > _NOISE_LIMIT else " on its standard error"
        printed = excerpt(self._said()[-NOISE_BYTES:] if where else self._noise())
        return f"{self._in()}, but no shell answers: it prints endlessly{where}: {printed}; {SEE_SHELL}"

    def _exit(self) -> str:
        state = self._stream.status()
        return f"{self._in()}, but no shell answers, {state}" if self._logged_in else f"{state}, and not a word"

    def _in(self) -> str:
        return "logged in" if self._way in (*SSH, "paramiko") else "connected"

    def _silent(self) -> str:
        """Return why there is no first word, where nothing has ended either."""
        if not self._logged_in:
            why = f"not logged in within {2 * CONNECT_SECONDS} s"
        else:
            why = f"{self._in()}, but no shell answers within {CONNECT_SECONDS} s"
        causes_named = "; ".join(filter(None, (causes(self._said()), causes(self._noise()))))
        why += f": {causes_named}" if causes_named else shown(self._noise())
        return f"{why}; {SEE_SHELL}" if self._logged_in else why


def host_spec(connect: str) -> tuple[str, dict[str, Any]]:
    """Return a host spec as testinfra takes it: it would read the path of `chroot:///srv/root` as no place at all."""
    from testinfra.backend import parse_hostspec

    if not connect.startswith("chroot://"):
        return connect, {}
    return urlsplit(connect).path, parse_hostspec(connect)[1]


def _command_to(backend: Any, command: str) -> tuple[str, Mapping[str, str]]:
    """Return the local command by which one of testinfra's backends runs another there, and what that has to know.

    A password is not a word of it.
    """
    found: list[Local] = []

    def note(template: str, *args: str) -> Any:
        found.append(without_password(backend, with_stdin(backend, template), args))
        return backend.result(0, b"", b"", b"")

    backend.run_local = note
    if backend.NAME in SSH:
        backend.run_ssh(backend.get_command(command))  # safe-ssh's own way writes files there
    else:
        backend.run(command)
    return found[0].command, found[0].environ


def _channel(backend: Any, text: str) -> Stream:
    """Return a stream to a `sh` by paramiko. Raises UnreachableError."""
    try:
        return ChannelStream(backend.client, backend.get_command(_SHELL), text, CONNECT_SECONDS)
    except Exception as error:  # noqa: BLE001 - paramiko raises whatever happens on the way
        place = f"{backend.host.name} port {backend.host.port or 22}"
        reason = in_words(error, CONNECT_SECONDS)
        raise unreachable(reason if backend.host.name in reason else f"{place}: {reason}") from None


def _short(backend: Any, parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """Yield parts by as many as make a script that is short enough."""
    few: list[Part] = []
    for part in parts:
        whole = host_ansible.command(backend, script("0" * 16, [*few, part], watched=False), 0)
        if few and len(whole.encode()) > _COMMAND_BYTES:
            yield few
            few = []
        few.append(part)
    yield few
