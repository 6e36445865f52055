"""A command of the inventory's own, run inside of a service's container, where nothing of it is left running."""

from __future__ import annotations

import math
import re
import secrets
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from ...core.errors import BlockedError, UnknownError
from .._commands import number_in
from .._kind import Output
from ._containers import Container, Stack
from ._logs import frames
from ._shell import EXEC, answered, stack_of, tagged
from ._target import MAX_BYTES, Containers, Engine, kind, require_containers, where
from ._why import failure, understood

EXEC_TIMEOUT_S = 30
_MARGIN_S = 3
"""How much earlier than the probe's time limit a command is ended: what starting and ending it may take."""
_LONGEST_OUTPUT = 65536
_SHIM = "Emulate Docker CLI using podman"
"""What podman's docker command says before everything else."""

# $1 is a word that nothing else has, $2 how many seconds the command may take. The command, for a shell, comes by the
# environment and goes to that shell by a pipe: `ps` does not show it. Neither the engine nor its client can end what it
# has started in a container, so it is ended from inside: everything that was started with the word in its environment,
# by whatever way it went into the background.
WRAPPER = r"""
word=$1 seconds=$2 run=$OPSCHECK_RUN
unset OPSCHECK_RUN
for each in grep sleep; do
  command -v $each >/dev/null || { echo "$word lacks $each"; exit 0; }
done
grep -qs . /proc/self/environ || { echo "$word lacks /proc"; exit 0; }
sweep() {
  for round in 1 2 3 4 5; do
    found=
    for each in /proc/[0-9]*; do
      grep -qs "OPSCHECK_EXEC=$word" "$each/environ" && kill -9 "${each#/proc/}" && found=1
    done
    [ "$found" ] || break
  done 2>/dev/null
}
over=
trap over=1 TERM
echo "$word began"
printf '{\n%s\n} </dev/null\n' "$run" | OPSCHECK_EXEC=$word sh -s opscheck &
child=$!
{ OPSCHECK_EXEC=$word sleep "$seconds" && { kill -TERM $$; sweep; }; } >/dev/null 2>&1 </dev/null &
wait "$child"
status=$?
sweep
printf '\n%s end %s\n' "$word" "${over:+over }$status"
"""


@dataclass(frozen=True, slots=True)
class Executed:
    """What a command in a container did."""

    container: str
    exit_status: int
    stdout: str
    stderr: str

    @property
    def number(self) -> float | None:
        """The number that standard output is; None where it is anything else."""
        return number_in(self.stdout)

    @property
    def last_line(self) -> str:
        """The last line that it printed to say why it failed, else the last line at all."""
        errors = [line for line in self.stderr.strip().splitlines() if not line.startswith(_SHIM)]
        lines = errors or self.stdout.strip().splitlines()
        return lines[-1].strip()[:200] if lines else ""


@kind.probe(timeout_s=EXEC_TIMEOUT_S)
def exec(  # noqa: A001 - the engine's word, and the inventory's
    engine: Engine,
    *,
    service: Annotated[str, Field(min_length=1)],
    run: str | tuple[str, ...],
    timeout_s: float,
) -> Executed:
    """What a command printed and how it exited in a service's container: the first that runs, by name.

    A text is a shell's, a list is a program with its arguments. It has to be a command that changes nothing.
    """
    container, word = _chosen(engine.stack, service), secrets.token_hex(8)
    command_line = ["sh", "-c", WRAPPER, "opscheck", word, str(_seconds(timeout_s))]
    printed = _printed(engine, container, command_line, _text(run), timeout_s)
    return Executed(container.name, *_outcome(container, word, *printed))


def _text(run: str | tuple[str, ...]) -> str:
    """Return a command as a shell takes it."""
    return run if isinstance(run, str) else f"exec {shlex.join(run)}"


def _seconds(timeout_s: float) -> int:
    return max(1, math.floor(timeout_s) - _MARGIN_S)


def _chosen(stack: Stack, service: str) -> Container:
    require_containers(stack)
    found = stack.of_services((service,))
    for container in found:
        if container.runs:
            return container
    if not found:
        names = ", ".join(sorted({each.service for each in stack.containers}))
        raise UnknownError(f"{service} has no container; there are {names}")
    raise BlockedError("up", f"no container of {service} runs: {found[0].described}")


def _printed(engine: Engine, container: Container, printed: list[str], run: str, timeout_s: float) -> tuple[str, str]:
    """Run a command through the API, and return what it printed to stdout and stderr."""
    import urllib3

    client, until = engine.client, time.monotonic() + timeout_s
    created = client.exec_create(container.id, printed, environment={"OPSCHECK_RUN": run})
    with understood("/exec"):
        made = str(created["Id"])
    found: dict[int, list[bytes]] = {1: [], 2: []}
    try:
        with client.post(
            f"{client.base_url}/v{client.api_version}/exec/{made}/start",
            json={"Detach": False, "Tty": False},
            stream=True,
            timeout=timeout_s,
        ) as answer:
            for stream, data in frames(_until(answer.raw.read1, until)):
                found[stream].append(data)
                if sum(map(len, found[stream])) > 2 * _LONGEST_OUTPUT:
                    raise UnknownError("it printed more than is read")
    except (TimeoutError, urllib3.exceptions.TimeoutError):
        raise UnknownError(f"the engine said no more within {timeout_s:g} s") from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise failure(error, client.base_url, timeout_s, over=False) from None
    out, err = (b"".join(found[stream]).decode("utf-8", "replace") for stream in (1, 2))
    return out, err


def _until(read: Callable[[int], bytes], until: float) -> Callable[[int], bytes]:
    """Return a way to read that ends at a time."""

    def block(count: int) -> bytes:
        if time.monotonic() > until:
            raise TimeoutError
        return read(count)

    return block


def _outcome(container: Container, word: str, out: str, err: str) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr. Raises UnknownError where the command did not run, or not to its end."""
    name = container.name
    if lacks := re.search(rf"^{word} lacks (.+)$", out, re.MULTILINE):
        raise UnknownError(f"{name} has no {lacks[1]}, without which a command could not be ended there")
    match = re.fullmatch(rf".*?^{word} began\n(.*)\n{word} end (over )?(\d+)\n*", out, re.DOTALL | re.MULTILINE)
    if match is None:
        last = (
            [line.strip() for line in (out + "\n" + err).splitlines() if line.strip() and word not in line] or [""]
        )[-1]
        if "executable file not found" in last:
            raise UnknownError(f"{name} has no shell (sh), without which a command could not be ended there")
        raise UnknownError(f"it did not run to its end in {name}" + (f": {last[:200]}" if last else ""))
    if match[2]:
        raise UnknownError(f"it did not end in time and was ended in {name}; `timeout` less {_MARGIN_S} s is its time")
    if len(match[1]) > _LONGEST_OUTPUT:
        raise UnknownError("it printed more than is read")
    return int(match[3]), match[1], err


def _args(target: Containers, service: str, run: str | tuple[str, ...], timeout_s: float) -> tuple[str, ...]:
    return (service, WRAPPER, str(_seconds(timeout_s)), _text(run), *where(target))


@kind.through_host(exec, EXEC, args=_args, max_bytes=MAX_BYTES)
def _exec_there(
    output: Output,
    *,
    service: str,
    **_run_there: Any,
) -> Executed:
    """The same, through the host's docker command."""
    lines = answered(output)
    word = next(tagged(lines, "exec"), [""])[0]
    before, _, out = output.stdout.partition(f"exec {word}\n")
    container = _chosen(stack_of(before.splitlines()), service)
    if not word:
        raise UnknownError(f"{container.name} went away meanwhile")
    return Executed(container.name, *_outcome(container, word, out, output.stderr))
