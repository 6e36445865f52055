"""`opscheck init --from`: a first inventory of a list that is there already, read as each run will read it."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from ..core.visible import plain
from ..inventory.asking import Asking
from ..inventory.lists import Item, ListError
from ..inventory.model import name_problem
from ..probes.source import Source
from . import machine
from .first_inventory import Draft, head
from .first_words import key_of, quoted
from .options import Usage

_TABLES = """\
# {what}
[template.{name}]
kind = "{kind}"
{keys}
[source.{name}]
{place}
format = "{format}"
template = "{name}"
name = "{naming}"
at_least = {number}  # it has as many now; fewer are a breach
"""
_INVENTORIES = (
    *("inventory", "inventory.ini", "inventory.yml", "inventory.yaml", "inventories/production"),
    *("hosts", "hosts.ini", "hosts.yml", "hosts.yaml", "production"),
)
"""What people call an inventory of Ansible's that no ansible.cfg names."""
_SSH_HOSTS = (
    """awk 'tolower($1) == "host" { for (i = 2; i <= NF; i++) """
    """if ($i ~ /^[A-Za-z0-9][A-Za-z0-9._-]*$/ && !seen[$i]++) list = list (list ? ", " : "") "\\"" $i "\\"" } """
    """END { print "[{\\"targets\\": [" list "]}]" }' ~/.ssh/config"""
)
_PROMETHEUS = Path("/etc/prometheus/prometheus.yml")
_BLOCK = re.compile(r"(\s*(?:- )?)(file|http)_sd_configs:(.*)")
_JSON_FILE = re.compile(r"""[^\s"',\[\]#]+\.json\b""")
_URL = re.compile(r"""\burl:\s*["']?(https?://[^\s"',}]+)""")


@dataclass(frozen=True, slots=True)
class _List:
    """A list that is there: the keys that say where and in which format, and how its items are reached."""

    what: str
    name: str
    where: Mapping[str, Any]
    format: str
    kind: str
    items: list[Item] = field(default_factory=list)


def draft(source: str, folder: Path) -> Draft:
    """Return an inventory whose targets are the items of a list that is there. Raises Usage where there is none."""
    try:
        found = _KINDS[source](folder)
    except ListError as error:
        raise Usage(f"--from {source}: {error}") from None
    tables = [_tables(each, source) for each in found]
    text = "\n".join([head(socket.gethostname() or "my-machine", machine.timezone()), *tables])
    return Draft(text, ())


def _read(folder: Path, name: str, where: Mapping[str, Any], form: str) -> list[Item]:
    """Return the items of a list. Raises ListError where it can't be read, or has none."""
    stated = Source.model_validate({**where, "format": form, "name": "-", "at_least": 1})
    reply = Asking(folder.absolute()).replies({name: stated})[name]
    if isinstance(reply, ListError):
        raise reply
    return reply


# Where lists are


def _ansible(folder: Path) -> list[_List]:
    if shutil.which("ansible-inventory") is None:
        raise ListError("ansible-inventory is not installed here; install ansible-core, or run this where it is")
    given = [each for each in _INVENTORIES if (folder / each).exists()]
    commands = [["ansible-inventory", *option, "--list"] for option in ([], *(["-i", each] for each in given))]
    why: ListError | None = None
    for command in commands:
        try:
            items = _read(folder, "fleet", {"command": command}, "ansible")
        except ListError as error:
            why = why or error
        else:
            return [_List("The hosts of Ansible's inventory.", "fleet", {"command": command}, "ansible", "host", items)]
    raise ListError(f"{why}; name your inventory in an ansible.cfg: inventory = FILE")


def _ssh_config(folder: Path) -> list[_List]:
    file = Path("~/.ssh/config").expanduser()
    if not file.is_file():
        raise ListError(f"there is no {file}; write it, or each host by hand: [host.web1] with connect = 'ssh://web1'")
    where = {"command": ["sh", "-euc", _SSH_HOSTS]}
    try:
        items = _read(folder, "fleet", where, "prometheus")
    except ListError as error:
        raise ListError(f"{file} has no Host that is a plain name ({error})") from None
    what = 'The hosts of ~/.ssh/config, without files that it includes. Leave one out in awk: && $i != "NAME"'
    return [_List(what, "fleet", where, "prometheus", "host", items)]


def _prometheus(folder: Path) -> list[_List]:
    config = next((each for each in _configurations(folder) if each.is_file()), None)
    if config is None:
        raise ListError(f"there is no prometheus.yml here, and no {_PROMETHEUS}; run this in the folder that has it")
    try:
        places = list(_places(config))
    except OSError as error:
        raise ListError(f"{config}: {error.strerror}; run this as who may read it") from None
    if not places:
        raise ListError(
            f"{config} has no file_sd_configs with .json files and no http_sd_configs; only these are lists that can "
            "be read here: write [metrics.NAME] for each server by hand"
        )
    lists: list[_List] = []
    for name, where in places:
        what = f"The targets that Prometheus has by {plain(str(next(iter(where.values()))))}."
        if name not in {each.name for each in lists}:
            lists.append(_List(what, name, where, "prometheus", "metrics", _read(folder, name, where, "prometheus")))
    return lists


def _configurations(folder: Path) -> Iterator[Path]:
    """Yield where the configuration of Prometheus may be; last, that of one which runs."""
    yield from (folder / "prometheus.yml", _PROMETHEUS)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "prometheus":
                words = "\0".join(process.cmdline())
                if match := re.search(r"\0--?config\.file[=\0]([^\0]+)", words):
                    yield Path(process.cwd(), match[1])


def _places(config: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the lists that a configuration names: by a name for each, and the key that says where it is."""
    depth = which = None
    for line in config.read_text(encoding="utf-8", errors="replace").splitlines():
        text = re.sub(r"(^|\s)#.*", "", line)
        if match := _BLOCK.match(text):
            depth, which, text = len(match[1]), match[2], match[3]
        elif text.strip() and depth is not None and len(text) - len(text.lstrip(" -")) <= depth:
            depth = which = None
        if which == "file":
            for file in _JSON_FILE.findall(text):
                yield key_of(Path(file).stem) if "*" not in Path(file).stem else "fleet", {"file": _seen(config, file)}
        if which == "http" and (match := _URL.search(text)):
            yield "discovered", {"url": match[1]}


def _seen(config: Path, file: str) -> str:
    """Return a file as it is named in a configuration, whatever folder it is looked at from."""
    return str(config.absolute().parent / file)


# What is written


def _tables(found: _List, source: str) -> str:
    naming = _naming(found, source)
    (key, value), *_ = found.where.items()
    place = f"command = [{', '.join(map(_literal, value))}]" if key == "command" else f"{key} = {quoted(value)}"
    return _TABLES.format(
        what=found.what,
        name=found.name,
        kind=found.kind,
        keys=f"{_reached(found)}\n",
        place=place,
        format=found.format,
        naming=naming,
        number=len(found.items),
    )


def _literal(word: str) -> str:
    return f"'''{word}'''" if '"' in word else quoted(word)


def _reached(found: _List) -> str:
    """Return how the items of a list are reached: by the fields that all of them have."""
    common = frozenset.intersection(*(frozenset(item.fields) for item in found.items))
    if found.kind == "metrics":
        path = "{__metrics_path__}" if "__metrics_path__" in common else "/metrics"
        return f'url = "{"{__scheme__}" if "__scheme__" in common else "http"}://{{__address__}}{path}"'
    if found.format == "prometheus":
        return 'connect = "ssh://{__host__}"'
    if all(item.fields.get("ansible_connection") == "local" for item in found.items):
        return 'connect = "local://"'
    user = "{ansible_user}@" if "ansible_user" in common else ""
    port = ":{ansible_port}" if "ansible_port" in common else ""
    return f'connect = "ssh://{user}{{ansible_host}}{port}"'


def _naming(found: _List, source: str) -> str:
    """Return the fields that make the name of each item, and of no other one. Raises Usage where none do."""
    problem = None
    for fields in _NAMINGS[source]:
        names = [[item.fields.get(each) for each in fields] for item in found.items]
        if any(None in each for each in names):
            continue
        said = ["-".join(filter(None, each)) for each in names]
        problem = next(filter(None, map(name_problem, said)), None)
        if problem is None and len(set(said)) == len(said):
            return "-".join(f"{{{each}}}" for each in fields)
    raise Usage(f"--from {source}: {found.what} {problem or 'Two of them have the same name'}; rename it there")


_KINDS: Mapping[str, Callable[[Path], list[_List]]] = {
    "ansible-inventory": _ansible,
    "ssh-config": _ssh_config,
    "prometheus": _prometheus,
}
_NAMINGS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ansible-inventory": (("inventory_hostname",),),
    "ssh-config": (("__host__",),),
    "prometheus": (("instance",), ("__host__",), ("__host__", "__port__")),
}
