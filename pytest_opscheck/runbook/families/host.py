"""Commands of a host: disks, memory, units, ports, journals, files, names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .. import guard
from ..asks import (
    Ask,
    Command,
    Line,
    Step,
    TargetHint,
    Todo,
    as_grep,
    counts,
    grep_of,
    has_variables,
    is_open,
    literal,
    named,
    since_of,
    ssh_host,
)
from ..words import says_nothing

_CONFIGURATION = {
    "nginx": "nginx_config",
    "apachectl": "apache_config",
    "apache2ctl": "apache_config",
    "haproxy": "haproxy_config",
    "sshd": "sshd_config",
    "postfix": "postfix_check",
    "named-checkconf": "named_config",
    "php-fpm": "php_fpm_config",
    "visudo": "sudoers",
    "httpd": "apache_config",
}
_PORT = re.compile(r"(?::|\b)(\d{2,5})\b")
_SIZE = re.compile(r"(\d+)([KMGT])", re.IGNORECASE)
_PATH = re.compile(r"/[\w./*?-]+")
_LOG = re.compile(r"\.log\b|/logs?/", re.IGNORECASE)


def asks(step: Step) -> Iterator[Ask]:
    """Yield what a step asks of a host."""
    if not step.line.commands:
        return
    command = step.line.commands[0]
    host = ssh_host(command)
    reader = READERS.get(command.program)
    if reader is not None:
        yield from reader(step, command, host)
    elif command.program in _CONFIGURATION and guard.of_line(step.line).reads:
        run = literal(" ".join(command.words))
        yield Ask(
            "host.command",
            host,
            keys={"run": run},
            name=_CONFIGURATION[command.program],
            sure=0.85,
            subject=command.program,
        )
    elif counts(step.line) and guard.of_line(step.line).reads and not guard.endless(step.line):
        yield from counted(step, host)


def counted(step: Step, host: TargetHint) -> Iterator[Ask]:
    """Yield a command whose number is judged: it is on the list of those that only read."""
    text = step.line.text.strip()
    if is_open(text) or has_variables(text):
        return
    run = re.sub(r"\bsudo\s+", "", literal(text.partition(" # ")[0]))
    name = named(step.title or step.line.first.program, "count")
    yield Ask(
        "host.command",
        host,
        "count",
        keys={"run": run},
        name=name,
        needs_limit=True,
        sure=0.7,
        subject=step.line.first.program,
    )


def _disk(_step: Step, command: Command, host: TargetHint) -> Iterator[Ask]:
    if any(re.fullmatch(r"-\w*i\w*|--inodes", arg) for arg in command.args):
        yield Ask("host.inodes", host, "inodes", needs_limit=True)
        return
    yield Ask("host.disk", host, "disk", sure=0.85)


def _memory(_step: Step, _command: Command, host: TargetHint) -> Iterator[Ask]:
    yield Ask("host.memory", host, "memory", sure=0.85)


def _load(step: Step, command: Command, host: TargetHint) -> Iterator[Ask]:
    if command.program == "uptime" or re.search(r"\bload\b", step.words, re.IGNORECASE):
        yield Ask("host.load", host, "load", sure=0.8)
    if command.program != "uptime":
        yield Ask("host.cpu", host, "cpu", sure=0.6)


def _systemctl(step: Step, command: Command, host: TargetHint) -> Iterator[Ask]:
    words = [word for word in command.plain() if not is_open(word) and not has_variables(word)]
    if command.has("--failed", "--state=failed") or words[:1] == ["--failed"]:
        limits = ((None, "== 0"),) if not re.search(r"\d", step.expected) or re.search(r"\b0\b", step.expected) else ()
        yield Ask("host.failed_units", host, "failed_units", limits=limits, needs_limit=True, sure=0.8)
        return
    if words[:1] and words[0] in ("status", "is-active", "show", "is-failed") and (units := words[1:]):
        names = [unit.removesuffix(".service") for unit in units]
        yield Ask("host.services", host, keys={"names": names}, sure=0.9, subject=" ".join(names))


def _service(_step: Step, command: Command, host: TargetHint) -> Iterator[Ask]:
    if command.args[-1:] == ("status",) and command.args[0] != "status":
        yield Ask("host.services", host, keys={"names": [command.args[0]]}, sure=0.8, subject=command.args[0])


def _journal(step: Step, command: Command, host: TargetHint) -> Iterator[Ask]:
    if command.has("--disk-usage"):
        yield Ask("host.journal_size", host, "journal_size", needs_limit=True)
        return
    unit, grep = command.option("-u", "--unit"), grep_of(step.line)
    grep = grep or (as_grep(Command("grep", (pattern,))) if (pattern := command.option("-g", "--grep")) else None)
    priority = command.option("-p", "--priority")
    if grep is None and priority is None:
        return
    since = since_of(command) or "24h"
    keys: dict[str, object] = {"unit": unit.removesuffix(".service")} if unit and not is_open(unit) else {}
    keys |= {"pattern": literal(grep.pattern)} if grep else {}
    keys |= {"ignore_case": True} if grep and grep.ignore_case else {}
    keys |= {"priority": priority} if priority and priority in ("emerg", "alert", "crit", "err", "warning") else {}
    keys["since"] = since
    name = named(f"{unit or 'journal'}_{grep.pattern if grep else priority}", "journal")
    ask = Ask("host.journal", host, "errors", keys=keys, name=name, needs_limit=True, subject=unit or "journal")
    if says_nothing(step.expected):
        ask = replace(ask, limits=((None, "== 0"),))
    elif not re.search(r"\d", step.expected):
        ask = replace(ask, limits=((None, "== 0"),), sure=0.55, look="nothing says how many are too many")
    yield ask


def _ports(step: Step, command: Command, host: TargetHint) -> Iterator[Ask]:
    text = " ".join([*command.args, *(" ".join(each.args) for each in step.line.commands[1:])])
    alternatives = [int(port) for port in _PORT.findall(text.replace("|", " "))]
    ports = [port for port in alternatives if 0 < port < 65536]  # noqa: PLR2004 - the last port
    if ports:
        yield Ask("host.ports", host, keys={"numbers": ports}, sure=0.85, subject=" ".join(map(str, ports)))


def _processes(step: Step, command: Command, host: TargetHint) -> Iterator[Ask]:
    grep = grep_of(step.line)
    pattern = grep.pattern if grep else None
    if command.program in ("pgrep", "pidof"):
        pattern = next(iter(reversed(command.plain())), None)
    if not pattern or is_open(pattern) or has_variables(pattern):
        return
    pattern = re.sub(r"^\[(\w)\]", r"\1", pattern)
    keys = {"pattern": literal(pattern)}
    yield Ask(
        "host.processes", host, "process_memory", keys=keys, name=named(pattern, "processes"), sure=0.6, subject=pattern
    )


def _directory(_step: Step, command: Command, host: TargetHint) -> Iterator[Ask]:
    paths = [arg for arg in command.plain() if arg.startswith("/") and not is_open(arg) and arg not in ("/", "/*")]
    for path in paths[:1]:
        name = named(path.strip("/*").rpartition("/")[2], "directory")
        yield Ask(
            "host.directory", host, "size", keys={"path": path}, name=name, needs_limit=True, sure=0.8, subject=path
        )


def _reach(_step: Step, command: Command, host: TargetHint) -> Iterator[Ask]:
    words = [arg for arg in command.plain() if not is_open(arg) and not has_variables(arg)]
    port = next((word for word in words[1:] if word.isdigit()), None)
    if command.program in ("nc", "ncat", "telnet") and words and port:
        yield Ask("host.reach", host, keys={"addresses": [f"{words[0]}:{port}"]}, sure=0.85, subject=words[0])
    elif command.program == "ping" and words:
        name = next((word for word in words if "." in word), None)
        if name:
            yield Ask(
                "host.reach",
                host,
                keys={"addresses": [f"{name}:443"]},
                sure=0.5,
                look="ping needs no port; this connects to one",
                subject=name,
            )


def _names(step: Step, command: Command, _host: TargetHint) -> Iterator[Ask]:
    words = [arg for arg in command.plain() if not arg.startswith("@") and not is_open(arg) and not has_variables(arg)]
    kind = next((word for word in words if word in ("A", "AAAA", "MX", "TXT", "NS", "CNAME")), None)
    name = next((word.rstrip(".") for word in words if "." in word and not re.fullmatch(r"[\d.]+", word)), None)
    if command.program == "getent":
        name = next((word for word in words[1:] if "." in word), None)
    if name is None:
        return
    target = TargetHint("dns", name, named(name.partition(".")[0], "name"), {"name": name})
    answers = re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[a-z0-9-]+(?:\.[a-z0-9-]+)+\b", step.expected)
    if answers:
        kind = kind or "A"
        keys = {"records": {kind: f"contains {{{', '.join(dict.fromkeys(answers))}}}"}}
        yield Ask("dns.records", target, keys=keys, sure=0.8, subject=name)
    else:
        yield Ask("dns.resolves", target, sure=0.8, subject=name)


def _clock(step: Step, _command: Command, host: TargetHint) -> Iterator[Ask]:
    ask = Ask("host.clock", host, "clock", needs_limit=True, sure=0.8)
    yield (
        ask
        if re.search(r"\d", step.expected)
        else replace(ask, limits=((None, "< 5s"),), sure=0.55, look="nothing says by how much it may be off")
    )


def _tail(step: Step, command: Command, _host: TargetHint) -> Iterator[Ask]:
    """Read `tail FILE | grep`, `cat FILE | grep` and `grep PATTERN FILE`: lines of a log."""
    grep = as_grep(command) or grep_of(step.line)
    path = next((arg for arg in command.plain() if "/" in arg or _LOG.search(arg)), None)
    if grep is None or path is None or grep.inverted or is_open(path):
        return
    if not _LOG.search(path):
        return
    shown = path if path.startswith("/") else Todo(f"the absolute path of {path}", "/var/log/x.log")
    target = TargetHint("logs", path, named(re.sub(r"\.log$", "", path.rpartition("/")[2]), "log"), {"path": shown})
    questions: dict[str, object] = {"pattern": literal(grep.pattern)} | (
        {"ignore_case": True} if grep.ignore_case else {}
    )
    questions["since"] = "today"
    ask = Ask(
        "logs.count",
        target,
        "errors",
        keys=questions,
        name=named(grep.pattern, "lines"),
        needs_limit=True,
        sure=0.8,
        subject=grep.pattern,
    )
    if says_nothing(step.expected):
        ask = replace(ask, limits=((None, "== 0"),))
    yield ask


def _find(step: Step, command: Command, host: TargetHint) -> Iterator[Ask]:
    """Read `find PATH -name PATTERN -mtime +N`: nothing there is older than N days."""
    days = re.fullmatch(r"\+(\d+)", command.option("-mtime") or "")
    minutes = re.fullmatch(r"\+(\d+)", command.option("-mmin") or "")
    folder, pattern = next(iter(command.plain()), None), command.option("-name", "-iname")
    if (days is None and minutes is None) or folder is None or is_open(folder) or has_variables(folder):
        return
    age = f"<= {days[1]}d" if days else f"<= {minutes[1]}m" if minutes else ""
    path = f"{folder.rstrip('/')}/{pattern or '*'}"
    from .backup import is_backup, target_of

    if is_backup(f"{path} {step.words}"):
        yield Ask("backup.retained", target_of(path), limits=((None, age),), sure=0.75, subject=path)
        return
    shown = path if path.startswith("/") else Todo(f"the absolute path of {path}", "/var/log/x.log.*")
    yield Ask(
        "host.file",
        host,
        keys={"path": shown, "oldest": age},
        name=named(f"{folder.rstrip('/').rpartition('/')[2]}_old", "old_files"),
        sure=0.75,
        subject=path,
    )


def state(line: Line) -> Iterator[Ask]:
    """Yield the state that a command leaves: the size of a journal, the age of the oldest file."""
    for command in line.commands:
        if command.program == "journalctl" and (size := _SIZE.fullmatch(command.option("--vacuum-size") or "")):
            yield Ask(
                "host.journal_size", ssh_host(command), limits=((None, f"<= {size[1]}{size[2].upper()}B"),), sure=0.7
            )
        if command.program == "find":
            yield from _find(Step(line, 0), command, ssh_host(command))


READERS = {
    "df": _disk,
    "free": _memory,
    "uptime": _load,
    "top": _load,
    "htop": _load,
    "systemctl": _systemctl,
    "service": _service,
    "journalctl": _journal,
    "ss": _ports,
    "netstat": _ports,
    "lsof": _ports,
    "ps": _processes,
    "pgrep": _processes,
    "du": _directory,
    "nc": _reach,
    "ncat": _reach,
    "ping": _reach,
    "dig": _names,
    "nslookup": _names,
    "host": _names,
    "getent": _names,
    "chronyc": _clock,
    "timedatectl": _clock,
    "ntpq": _clock,
    "tail": _tail,
    "cat": _tail,
    "grep": _tail,
    "egrep": _tail,
    "zgrep": _tail,
    "find": _find,
}
