"""What a host reaches: whether it resolves a name, and whether a TCP connection comes to be from there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from ...core.errors import UnknownError
from .._files import said_of
from .._kind import Output
from ._target import kind

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9_.-]+)):(?P<port>\d{1,5})\Z")
_LAST_PORT = 65535


def _address(text: str) -> str:
    match = _ADDRESS.match(text)
    if match is None or text.startswith("-") or not 0 < int(match["port"]) <= _LAST_PORT:
        raise ValueError(f"{text!r} is not a host with a port; write for example 'example.com:443' or '[::1]:443'")
    return text


def _places(_target: object, addresses: tuple[str, ...]) -> tuple[str, ...]:
    matches = [_ADDRESS.match(address) for address in addresses]
    return tuple(word for match in matches if match for word in (match["six"] or match["host"], match["port"]))


# `connects ADDRESS PORT` makes a connection with what the host has, and closes it without a word. bash's own way comes
# first, since it needs nothing else; each way ends with 0 where the connection came to be. Without any, $by is empty.
CONNECTS = r"""
PYTHON='import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)'
by=
for tool in bash python3 nc curl busybox; do command -v $tool >/dev/null && by=$tool && break; done
ncat() { if nc -h 2>&1 | grep -q -e ' -z' -e '\[-.*z'; then nc -z -w 3 "$@"; else nc -w 3 "$@" -e true; fi; }
telnet() {
  case $1 in *:*) set -- "[$1]" "$2";; esac
  took=$(curl -s -m 4 -o /dev/null --noproxy '*' -w '%{time_connect}' "telnet://$1:$2" </dev/null)
  case $took in *[1-9]*) return 0;; *) return 1;; esac
}
connects() {
  case $by in
    bash) timeout 4 bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$2";;
    python3) timeout 4 python3 -c "$PYTHON" "$1" "$2";;
    nc) ncat "$1" "$2";;
    curl) telnet "$1" "$2";;
    busybox) timeout 4 busybox nc -w 3 "$1" "$2" -e true;;
  esac </dev/null >/dev/null 2>&1
}
"""

# $@ are pairs of host and port. Every address of a name gets its chance, the first that answers counts: a program would
# try them too.
_REACH = (
    CONNECTS
    + r"""
[ -n "$by" ] || { echo tool; exit 0; }
reach() {
  addresses=$1
  if command -v getent >/dev/null; then
    addresses=$(timeout 5 getent ahosts "$1" | awk '!seen[$1]++ { print $1 }' | head -n 4)
    [ -n "$addresses" ] || { echo "unresolved $1 $2"; return; }
  fi
  for address in $addresses; do
    connects "$address" "$2"
    status=$?
    [ $status != 0 ] || { echo "connects $1 $2"; return; }
  done
  case $status in
    124|137|143) echo "silent $1 $2";;
    126|127) echo tool;;
    *) echo "refused $1 $2";;
  esac
}
while [ $# -gt 1 ]; do
  reach "$1" "$2" &
  shift 2
done
wait
"""
)
_STATES = {
    "connects": "connects",
    "unresolved": "a name that does not resolve",
    "silent": "without an answer within 4 s",
    "refused": "not to be connected to (refused, or no way there)",
}


@dataclass(frozen=True, slots=True)
class Place:
    """An address, and what came of connecting to it: `connects`, or why not."""

    address: str
    state: str


@kind.shell(_REACH, args=_places, timeout_s=30)
def reach(output: Output, *, addresses: tuple[Annotated[str, AfterValidator(_address)], ...]) -> tuple[Place, ...]:
    """Whether the host resolves each name and opens a TCP connection to its port, without any proxy.

    With bash, python3, nc, curl or busybox, whichever it has; nothing is sent.
    """
    answers = said_of(output)
    if "tool" in answers:
        raise UnknownError(
            "nothing there can connect: bash, python3, nc, curl or busybox is needed; apt-get install netcat-openbsd"
        )
    states = {place: _STATES[word] for word, places in answers.items() if word in _STATES for place in places}
    found = []
    for address in addresses:
        host, port = _places(None, (address,))
        if f"{host} {port}" not in states:
            raise UnknownError(f"the host did not say whether it reaches {address}")
        found.append(Place(address, states[f"{host} {port}"]))
    return tuple(found)
