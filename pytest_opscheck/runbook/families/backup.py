"""Backups: whether last night's is there, can be read, and old ones go."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..asks import Ask, Command, Step, TargetHint, Todo, has_variables, is_open, named

_BACKUP = re.compile(
    r"back-?ups?|\bdumps?\b|\.dump\b|sicherung|sauvegarde|\.sql\b|snapshots?|pgbackup|respaldo", re.IGNORECASE
)
_FILE = re.compile(
    r"[\w.*?-]+\.(?:sql|dump|gz|zst|xz|bz2|tar|zip|tgz|bak|backup|rdb|archive|age|enc|gpg)(?:\.\w+)*$", re.IGNORECASE
)
_DATED = re.compile(
    r"(?:YYYY|MM|DD|HH|SS|\d{4}-?\d{2}-?\d{2}|\d{6,8})(?:[-_]?(?:YYYY|MM|DD|HH|SS|\d{2,6}))*|\$\([^)]*\)|<[^>]*>|latest|derniere|letzte|newest",
    re.IGNORECASE,
)
_BUCKET = re.compile(r"\b(?:s3|gs|gcs|abfs)://[\w./*${}-]+")


def is_backup(text: str) -> bool:
    """Tell whether a text speaks of backups."""
    return _BACKUP.search(text) is not None


def target_of(path: str) -> TargetHint:
    """Return the backups that a path names: with a wildcard where it names a single one by its date."""
    folder, _, file = path.rpartition("/")
    pattern = re.sub(r"[*]+", "*", _DATED.sub("*", file)) if file else "*"
    if not _FILE.search(file or "") and file and "*" not in file:
        folder, pattern = path.rstrip("/"), "*"
    if has_variables(folder) or is_open(folder) or not folder.startswith("/"):
        what = f"the absolute path of {folder or '.'}/, with a pattern, for example /srv/backups/*.sql.gz"
        return TargetHint("backup", "backups", "database", {"path": Todo(what, "/srv/backups/*.sql.gz")})
    pattern = "*" if has_variables(pattern) or is_open(pattern) else pattern
    name = (
        "database"
        if re.search(r"sql|dump|db|pg|postgres", path, re.IGNORECASE)
        else named(folder.rpartition("/")[2], "files")
    )
    return TargetHint("backup", folder, name, {"path": f"{folder}/{pattern}"})


def unnamed() -> TargetHint:
    """Return backups of which the runbook does not say where they are."""
    what = "the absolute path of the backups, with a pattern, for example /srv/backups/*.sql.gz"
    return TargetHint("backup", "backups", "database", {"path": Todo(what, "/srv/backups/*.sql.gz")})


def asks(step: Step) -> Iterator[Ask]:
    """Yield what a step asks of backups."""
    for command in step.line.commands:
        if command.program in ("ls", "stat") and is_backup(f"{' '.join(command.args)} {step.words}"):
            yield from _listed(command)
            return
        if command.program in ("gunzip", "gzip", "zstd", "xz", "bzip2", "lz4", "unzip", "tar", "pg_restore"):
            yield from _tested(step, command)
            return
        bucket = _BUCKET.search(" ".join(command.words))
        if bucket and is_backup(f"{bucket[0]} {step.words}"):
            yield from _bucket(bucket[0])
            return


def _listed(command: Command) -> Iterator[Ask]:
    path = next(iter(command.plain()), None)
    target = target_of(path) if path else unnamed()
    yield Ask("backup.fresh", target, "backup", sure=0.85, subject=path or "backups")


def _tested(step: Step, command: Command) -> Iterator[Ask]:
    tests = command.has("-t", "--test", "-l", "--list", "-tv", "-tzf", "-tf", "tzf", "tf", "-tvf", "-tzvf", "tvf")
    path = next((arg for arg in reversed(command.plain()) if arg not in ("tzf", "tf", "tvf")), None)
    if tests and path and (is_backup(f"{path} {step.words}") or _FILE.search(path)):
        yield Ask("backup.intact", target_of(path), sure=0.85, subject=path)


def _bucket(url: str) -> Iterator[Ask]:
    url = url.rstrip("/.")
    last = url.rpartition("/")[2]
    shown = url if "*" in last or _FILE.search(last) else f"{url}/*"
    if has_variables(shown) or is_open(shown):
        return
    yield Ask(
        "backup.uploaded",
        unnamed(),
        "backup",
        keys={"url": shown},
        sure=0.8,
        look="it needs the extra of the storage, for example pytest-opscheck[s3]",
        subject=url,
    )
