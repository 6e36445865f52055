"""A host's systemd: the states of its units."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...core.errors import UnknownError
from ...core.visible import typed
from .._kind import Output
from ._target import kind

_Shown = Mapping[str, str]
"""What systemd shows of a unit, by the names of its properties."""

# For each name that is given, a record of each unit that it stands for. Of a unit that has done its work (`exited`) the
# units that are part of it follow. A service that systemd had to start again within the last minute is looked at twice:
# one that does not stay up is up most of the time. $since is by the clock that /proc/uptime goes by.
_SERVICES = r"""
command -v systemctl >/dev/null || {
  echo "systemctl is not installed; services need systemd: expect processes or ports there instead" >&2
  exit 9
}
look() {
  systemctl show -p Id -p LoadState -p ActiveState -p SubState -p Type -p ExecStart -p ConsistsOf -p Wants -p Requires \
    -p TriggeredBy -p NRestarts -p ActiveEnterTimestampMonotonic -- "$@" 2>&1 || echo
}
of() { printf '%s\n' "$said" | sed -n "s/^$1=//p" | head -n 1; }
again=
for unit; do
  said=$(look "$unit")
  printf 'unit %s\n%s\n' "$unit" "$said"
  set -f
  parts=$(of ConsistsOf)
  [ "$(of SubState)" != exited ] || [ -z "$parts" ] || { echo "parts"; look $parts; }
  set +f
  since=$(of ActiveEnterTimestampMonotonic) now=$(cut -d. -f1 /proc/uptime)
  case $(of ActiveState)$(of NRestarts) in
    active|active0) ;;
    active*) [ $((now - ${since:-0} / 1000000)) -ge 60 ] || again="$again $(of Id)";;
  esac
done
[ -n "$again" ] || exit 0
sleep 4
echo "again"
set -f
look $again
"""
_RESTARTS_AT_MOST = 2
"""A service that was started again more often, the last time within a minute, does not stay up."""
_UP = ("active", "reloading", "refreshing")
_DOES_NOTHING = re.compile(r"(\S*/)?(true|:|(ba|da)?sh -c (true|:|exit 0))|", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit; `state` is its ActiveState, or why it is not up all the same: `not-found`, `active (exited)`.

    `note` says more about the state, where there is more to say. `problem` is why its state could not be told.
    """

    name: str
    state: str
    sub_state: str
    note: str | None = None
    problem: str | None = None

    @property
    def described(self) -> str:
        """Its state, and what there is to say about it."""
        return f"{self.state}: {self.note}" if self.note else self.state


@kind.shell(_SERVICES, args=lambda _target, names: names, timeout_s=20)
def services(output: Output, *, names: tuple[str, ...]) -> tuple[Unit, ...]:
    """The states of systemd units by name; `.service` may be left out, and * stands for anything."""
    asked, again = _records(output)
    if [name for name, _, _ in asked] != list(names):
        raise UnknownError("systemctl did not say what the units' states are")
    return tuple(unit for name, lines, parts in asked for unit in _units(name, lines, parts, again))


def _records(output: Output) -> tuple[list[tuple[str, list[str], list[str]]], dict[str, _Shown]]:
    """Sort what was said: each name with its lines and those of its parts; what a second look saw, by Id."""
    asked: list[tuple[str, list[str], list[str]]] = []
    into: list[str] = []
    again: list[str] = []
    for line in output.lines():
        if line.startswith("unit "):
            asked.append((line.removeprefix("unit "), [], []))
            into = asked[-1][1]
        elif line == "parts" and asked:
            into = asked[-1][2]
        elif line == "again":
            into = again
        else:
            into.append(line)
    return asked, {shown["Id"]: shown for shown in _shown(again) if "Id" in shown}


def _shown(lines: list[str]) -> Iterator[dict[str, str]]:
    """Yield the records of `systemctl show`, which an empty line divides. Of several lines of a key the first counts.

    Several commands (ExecStart) become one text.
    """
    shown: dict[str, str] = {}
    for line in [*lines, ""]:
        key, equals, value = line.partition("=")
        if not line and shown:
            yield shown
            shown = {}
        elif equals and key == "ExecStart" and key in shown:
            shown[key] += value
        elif equals:
            shown.setdefault(key, value)


def _units(name: str, lines: list[str], parts: list[str], again: Mapping[str, _Shown]) -> Iterator[Unit]:
    found = [shown for shown in _shown(lines) if "ActiveState" in shown]
    if not found and re.search(r"[*?[]", name) and not any(lines):
        yield Unit(name, "not-found", "", "no unit of such a name is loaded")
    elif not found:
        yield Unit(name, "", "", problem=_why(name, lines))
    for shown in found:
        called = name if len(found) == 1 else shown.get("Id", name)
        running = list(_parts(shown, parts)) if _is_umbrella(shown) else []
        if running:
            yield from running
        else:
            yield _unit(called, shown, again.get(shown.get("Id", ""), {}))


def _why(name: str, lines: list[str]) -> str:
    """Return why systemctl did not tell a unit's state."""
    first = next((line for line in lines if line), "nothing")
    if re.search(r"@(\.\w+)?$", name):
        stem = name.partition("@")[0]
        return f"it is a template; name an instance of it: systemctl list-units --all {typed(f'{stem}@*')}"
    return f"systemctl did not say its state, but: {first[:200]}"


def _parts(umbrella: _Shown, lines: list[str]) -> Iterator[Unit]:
    """Yield the units that are part of one that does nothing itself: those that it wants, and what else is not off."""
    wanted = {*umbrella.get("Wants", "").split(), *umbrella.get("Requires", "").split()}
    for shown in _shown(lines):
        name = shown.get("Id", "")
        if name in wanted or shown.get("ActiveState") not in (None, "inactive"):
            part = _unit(name, shown, {})
            of = f"a part of {umbrella.get('Id')}"
            yield dataclasses.replace(part, note=f"{part.note}, {of}" if part.note else of)


def _is_umbrella(shown: _Shown) -> bool:
    """Tell whether a unit is active though nothing of it ever runs: its command is `true`, as Debian's postgresql's."""
    argv = re.findall(r"argv\[\]=(.*?) ; ignore_errors=", shown.get("ExecStart", ""), re.DOTALL)
    return _has_exited(shown) and shown.get("Type") == "oneshot" and all(map(_DOES_NOTHING.fullmatch, argv))


def _has_exited(shown: _Shown) -> bool:
    return shown["ActiveState"] in _UP and shown.get("SubState") == "exited"


def _unit(name: str, shown: _Shown, again: _Shown) -> Unit:
    state, note = _state(shown, again)
    return Unit(name, state, shown.get("SubState", ""), note)


def _state(shown: _Shown, again: _Shown) -> tuple[str, str | None]:
    """Return a unit's state, `active` only of one that is up, and a note about it."""
    active, sub_state = shown["ActiveState"], shown.get("SubState", "")
    load = shown.get("LoadState", "loaded")
    if load != "loaded":
        return load, None
    if _has_exited(shown):
        return _exited(shown)
    if active in _UP and sub_state == "elapsed":
        return "active (elapsed)", "a timer that starts nothing any more"
    if active in _UP:
        return _restarting(shown, again) or ("active", None)
    if active in ("activating", "deactivating"):
        return f"{active} ({sub_state})", None
    starter = next((unit for unit in shown.get("TriggeredBy", "").split() if active == "inactive"), None)
    return active, f"{starter} starts it when it is due, name that" if starter else None


def _exited(shown: _Shown) -> tuple[str, str | None]:
    """Return the state of a unit that is active, and of which nothing runs.

    A oneshot service that stays active has done its work, such as loading a firewall's rules. One that does nothing
    says nothing, and of any other kind of service the processes are gone.
    """
    if shown.get("Type") == "oneshot" and not _is_umbrella(shown):
        return "active", None
    if shown.get("Type") in ("oneshot", None):
        return "active (exited)", "it runs nothing itself, name what it starts (systemctl list-dependencies)"
    return "active (exited)", "no process of it runs any more"


def _restarting(shown: _Shown, again: _Shown) -> tuple[str, str] | None:
    """Return the state of a service that systemd starts again and again; None where it stays up, as far as seen."""
    if not again:
        return None
    before, after = (_number(look.get("NRestarts", "")) for look in (shown, again))
    if after > before or again.get("ActiveState") not in _UP or after > _RESTARTS_AT_MOST:
        return "restarting", f"systemd started it again {after} times, the last time within a minute"
    return None


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


@dataclass(frozen=True, slots=True)
class FailedUnits:
    """The units that systemd lists as failed, without those to ignore."""

    names: tuple[str, ...]

    @property
    def described(self) -> str:
        """How many there are, and which."""
        return f"{len(self.names)} ({', '.join(self.names)})" if self.names else "0"


# A line of output marks the units that run these checks: what they found is no reason to find the host wrong.
_FAILED_UNITS = r"""
[ -d /run/systemd/system ] || { echo "systemd does not run there; leave failed_units out" >&2; exit 9; }
list=$(systemctl list-units --all --state=failed --plain --no-legend --no-pager --full) || exit
printf '%s\n' "$list"
for unit in $(printf '%s\n' "$list" | grep -o '[^ ]*\.service'); do
  systemctl show -p ExecStart -- "$unit" | grep -qE '(^|[^A-Za-z0-9_.-])opscheck run ' && echo "own $unit"
done
true
"""
_SUFFIXES = "service|socket|target|device|mount|automount|swap|timer|path|slice|scope|snapshot"
_FAILED = re.compile(rf"\W*(?P<name>\S+\.(?:{_SUFFIXES}))\s+\S+\s+failed\s")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LEGEND = re.compile(r"\s*(UNIT\s+LOAD\s+ACTIVE|LOAD\s+=|ACTIVE\s+=|SUB\s+=|\d+ loaded units listed|To show all|$)")
_OWN_NAME = re.compile(r"opscheck-.+-[0-9a-f]{6}-.+\.(service|timer)")


@kind.shell(_FAILED_UNITS, max_bytes=1_000_000)
def failed_units(output: Output, *, ignore: tuple[str, ...] = ()) -> FailedUnits:
    """The units in state failed, of every type; `ignore` holds names, in which * stands for anything.

    Those by which `opscheck schedule` runs suites are left out: `opscheck status` tells of them.
    """
    lines = [_COLOUR.sub("", line) for line in output.lines()]
    own = {line.removeprefix("own ") for line in lines if line.startswith("own ")}
    names = set()
    for line in lines:
        match = _FAILED.match(f"{line} ")
        if match is not None:
            names.add(match["name"])
        elif not line.startswith("own ") and not _LEGEND.match(line):
            raise UnknownError(f"systemctl list-units printed a line that says of no unit that it failed: {line[:200]}")
    counted = (name for name in names if name not in own and not _OWN_NAME.fullmatch(name))
    kept = (name for name in counted if not any(fnmatch.fnmatchcase(name, pattern) for pattern in ignore))
    return FailedUnits(tuple(sorted(kept)))
