"""Where a server is, as the inventory says it: a host and a port."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from ._certificate import ascii_name

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:/@\[\]]+)):(?P<port>\d{1,5})\Z")
_LAST_PORT = 65535


def place(text: str) -> tuple[str, int]:
    """Return the host and the port of an address. Raises ValueError for what is not one."""
    match = _ADDRESS.match(text)
    if match is None or not 0 < int(match["port"]) <= _LAST_PORT:
        raise ValueError("it is not a host with a port; write for example 'api.example.com:443' or '[::1]:443'")
    host = match["six"] or match["host"]
    ascii_name(host)
    return host, int(match["port"])


def _address(text: str) -> str:
    place(text)
    return text


Address = Annotated[str, AfterValidator(_address)]
"""A host and a port, such as `api.example.com:443`."""
