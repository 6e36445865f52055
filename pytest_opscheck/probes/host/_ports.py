"""A host's ports: on which something listens, as its sockets tell, or else a connection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from .._kind import Output
from ._reach import CONNECTS
from ._target import kind

# $@ are ports, such as tcp/443. The host's table of sockets, which may be long and has ports as hexadecimal numbers,
# stays there.
#
# A port may be published without any socket, by a rule of the kernel (NAT), as Docker without its proxy and kube-proxy
# do. Then a connection to one of the host's own addresses tells. It has to come to be twice: one to a port that the
# kernel has just chosen for its near end would reach itself.
_PORTS = (
    CONNECTS
    + r"""
sockets() {
  for file in $1 ${1}6; do
    [ ! -r "/proc/net/$file" ] || { echo "read $1"; cat "/proc/net/$file"; }
  done | awk -v protocol="$1" -v state="$2" '
    $1 == "read" { if (!told++) print; next }
    $4 == state { port = $2; sub(/.*:/, "", port); if (!seen[port]++) print "listens " protocol " " port }'
}
found=$(sockets tcp 0A; sockets udp 07)
printf '%s\n' "$found"
addresses() {
  printf '127.0.0.1\n::1\n'
  if command -v ip >/dev/null; then ip -o addr show up | awk '{ sub(/\/.*/, "", $4); print $4 }'
  else awk '/32 host LOCAL/ { print at } { at = $2 }' /proc/net/fib_trie 2>/dev/null; fi
}
leads() {
  for address in $own; do
    connects "$address" "$1" && connects "$address" "$1" && { echo "leads tcp $1"; return; }
  done
}
own=$(addresses | awk '!/^(fe80:|127\..*[^1]$)/ && !seen[$1]++' | head -n 6)
[ -z "$by" ] || for port; do
  case $port in
    tcp/*) printf '%s\n' "$found" | grep -q "^listens tcp $(printf %04X "${port#tcp/}")$" || leads "${port#tcp/}" & ;;
  esac
done
wait
"""
)


@dataclass(frozen=True, slots=True)
class Port:
    """A TCP or UDP port, and whether something listens there; None where nothing can tell."""

    name: str
    listens: bool | None


_LAST_PORT = 65535


def _port(value: object) -> str:
    text = str(value)
    match = re.fullmatch(r"(?:(tcp|udp)/)?(\d{1,5})", text)
    if match is None or isinstance(value, bool) or not 0 < int(match[2]) <= _LAST_PORT:
        raise ValueError(f"{text!r} is not a port; write 443, or 'udp/53'")
    return f"{match[1] or 'tcp'}/{int(match[2])}"


@kind.shell(_PORTS, args=lambda _target, numbers: numbers, timeout_s=30, max_bytes=2_000_000)
def ports(output: Output, *, numbers: tuple[Annotated[int | str, BeforeValidator(_port)], ...]) -> tuple[Port, ...]:
    """Which ports something listens on, at any address: TCP sockets in state LISTEN, bound UDP sockets.

    A TCP port without a socket is one too where connections to it come to be: a rule of the kernel leads them on.
    """
    read: set[str] = set()
    listening: set[str] = set()
    for line in output.lines():
        word, _, rest = line.partition(" ")
        protocol, _, number = rest.partition(" ")
        if word == "read":
            read.add(protocol)
        elif word == "listens":
            listening.add(f"{protocol}/{int(number, 16)}")
        elif word == "leads":
            listening.add(f"{protocol}/{number}")
    return tuple(
        Port(name, True if name in listening else False if name.partition("/")[0] in read else None)
        for name in map(str, numbers)
    )
