"""A host's journal: how many lines of a unit match, counted where they are, and how much room it takes."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, ValidationInfo, WithJsonSchema

from ...core.errors import UnknownError
from ...core.units import LimitError, parse_time, rate_unit
from ...core.visible import typed
from .._files import GREP_BY, said_of
from .._kind import Output
from .._log_patterns import Pattern, extended
from ._target import Host, kind

Priority = Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]


def _one_unit(name: str) -> str:
    if name and not re.fullmatch(r"[A-Za-z0-9:_.@\\-]+", name):
        raise ValueError(f"{name!r} is not a name of one unit; write for example docker, or app@1.service")
    return name


def _window(value: object, info: ValidationInfo) -> float | None:
    """Return the seconds that are looked back over, None where the limit's rate says it."""
    if info.data.get("window_s") is not None:
        if value is not None:
            raise ValueError("the limit's rate sets the window; leave this out, or use a bare number: expect = '== 0'")
        return None
    if value is None:
        raise ValueError("set how far to look back: since = '4h', or a limit with a rate such as '== 0/h'")
    try:
        return parse_time(value)
    except LimitError as error:
        raise ValueError(str(error)) from None


# $1 unit or nothing, $2 pattern, $3 what to ignore, $4 -i or nothing, $5 priority or nothing, $6 the window's seconds.
# journalctl passes over files that it may not read or that are damaged, and says so on standard error at most: for a
# count that would be "none", so every such word is an error here, but of a damaged file from before the window.
_JOURNAL = (
    GREP_BY
    + r"""
export LC_ALL=C
unit=$1 pattern=$2 ignore=$3 case=$4 priority=$5 window=$6
command -v journalctl >/dev/null || { echo "journalctl is not installed; the journal needs systemd" >&2; exit 9; }
for regex in "$pattern" "$ignore"; do
  printf '' | grep_by "$regex" -E >/dev/null; [ $? -le 1 ] || exit 2
done
files=
for file in /var/log/journal/*/system*.journal /run/log/journal/*/system*.journal; do
  [ -e "$file" ] || continue
  files=1
  [ -r "$file" ] || { echo "user $(id -un)"; exit 0; }
done
for folder in /var/log/journal/* /run/log/journal/*; do
  [ ! -d "$folder" ] || [ -r "$folder" ] || { echo "user $(id -un)"; exit 0; }
done
[ -n "$files" ] || { echo none; exit 0; }
if [ -n "$unit" ]; then
  state=$(systemctl show -p LoadState -- "$unit") || { echo "systemctl did not say whether $unit exists" >&2; exit 9; }
  [ "$state" != LoadState=not-found ] || { echo "nowhere $unit"; exit 0; }
fi
since=$(($(date +%s) - window))
set -- --quiet --no-pager --output=cat --since="@$since"
[ -z "$unit" ] || set -- "$@" --unit="$unit"
[ -z "$priority" ] || set -- "$@" --priority="$priority"
entries() { journalctl "$@" || echo "journalctl ended with exit status $?" >&2; }
wanted() { grep_by "$pattern" -aE $case; }
unwanted() { if [ -n "$ignore" ]; then grep_by "$ignore" -avE $case; else cat; fi; }
said=$({ entries "$@" | tr -d '\000\r' | wanted | unwanted | wc -l; } 2>&1)
printf '%s\n' "$said" | while read -r line; do
  case $line in
    "Journal file "*" ignoring file.")
      file=${line#Journal file } file=${file%% corrupted*} file=${file%% is truncated*}
      [ -e "$file" ] && [ "$(stat -c %Y -- "$file")" -lt "$since" ] || echo "failed $line";;
    *[!0-9]*|"") echo "failed $line";;
    *) echo "count $line";;
  esac
done
"""
)


@dataclass(frozen=True, slots=True)
class Entries:
    """How many lines of the journal's entries match, and as what: in the limit's rate, or as a count."""

    unit: str
    pattern: str
    lines: int
    rate: str

    @property
    def described(self) -> str:
        """What was counted."""
        what = f"lines with /{self.pattern}/" if self.pattern else "lines"
        return f"{what} in the journal of {self.unit}" if self.unit else f"{what} in the journal"


def _args(
    _target: Host,
    *,
    unit: str,
    pattern: str,
    ignore: str,
    ignore_case: bool,
    priority: str,
    since: float,
    window_s: int,
    not_before: float | None,
) -> tuple[str, ...]:
    pattern, ignore = (extended(each, ignore_case=ignore_case) for each in (pattern, ignore))
    seconds = window_s or since
    if not_before is not None:
        seconds = max(1.0, min(seconds, time.time() - not_before))
    return (unit, pattern, ignore, "-i" if ignore_case else "", priority, f"{seconds:.0f}")


@kind.shell(_JOURNAL, args=_args, timeout_s=60)
def journal(
    output: Output,
    *,
    unit: Annotated[str, AfterValidator(_one_unit)] = "",
    pattern: Pattern = "",
    ignore: Pattern = "",  # noqa: ARG001 - the script's
    ignore_case: bool = False,  # noqa: ARG001 - the script's
    priority: Priority | Literal[""] = "",  # noqa: ARG001 - the script's
    window_s: int | None = None,
    since: Annotated[object, AfterValidator(_window), WithJsonSchema({"type": "string"})] = None,  # noqa: ARG001 - the script's
    not_before: float | None = None,  # noqa: ARG001 - the script's
) -> Entries:
    """Lines of the messages in the journal, within the limit's window or `since`, counted on the host.

    A unit that does not exist, and a journal that the user may not read in whole, are unknown: there journalctl shows
    what is the user's own, which looks like no line at all (saymedia/journald-cloudwatch-logs#16; files of a group of
    former days are passed over as silently, NixOS/nixpkgs#2865).
    """
    answers = said_of(output)
    _require_journal(answers)
    for name in answers.get("nowhere", ()):
        raise UnknownError(f"there is no unit {name}; see systemctl list-units --all")
    for what in answers.get("failed", ()):
        raise UnknownError(f"the journal could not be read to its end: {what}; see journalctl --verify")
    if "count" not in answers:
        raise UnknownError("the host did not say how many lines match")
    return Entries(unit, pattern, int(answers["count"][0]), rate_unit(window_s))


def _require_journal(answers: dict[str, list[str]]) -> None:
    """Raise UnknownError where there is no journal, or none that this user may read in whole."""
    for user in answers.get("user", ()):
        raise UnknownError(
            f"user {user} may not read the whole journal; grant it: usermod -aG systemd-journal {typed(user)} "
            "(or connect with ?sudo=true)"
        )
    if "none" in answers:
        raise UnknownError("there is no journal in /var/log/journal or /run/log/journal; does systemd-journald run?")


_SIZE = r"""
set --
for folder in /var/log/journal /run/log/journal; do
  [ -d "$folder" ] || continue
  for inner in "$folder" "$folder"/*; do
    [ ! -d "$inner" ] || [ -r "$inner" ] || { echo "user $(id -un)"; exit 0; }
  done
  set -- "$@" "$folder"
done
[ $# -gt 0 ] || { echo none; exit 0; }
du -sk "$@"
"""


@kind.shell(_SIZE, timeout_s=30)
def journal_size(output: Output) -> int:
    """How many bytes the journal takes on disk: all files in /var/log/journal and /run/log/journal, as du counts."""
    answers = said_of(output)
    _require_journal(answers)
    return 1024 * sum(int(word.partition("\t")[0]) for word in answers)
