"""docker and docker compose: what runs, what it logs, how much it takes, and what is asked inside of a container."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .. import shell
from ..asks import (
    Ask,
    Command,
    Line,
    Step,
    TargetHint,
    Todo,
    grep_of,
    has_variables,
    in_container,
    is_open,
    literal,
    named,
    rate_of,
    since_of,
    stack,
)
from ..words import says_nothing

_HEALTHY = re.compile(r"\bhealthy\b|gesund", re.IGNORECASE)
_COUNT = re.compile(
    r"\b(\d{1,3})(?=(?:\s+[\w-]+){0,2}?\s+(?:containers?|services?|conteneurs?|dienste|container)\b)", re.IGNORECASE
)
_WORD_COUNT = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten)\b(?=(?:\s+[\w-]+){0,2}?\s+(?:containers?|services?))",
    re.IGNORECASE,
)
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_ERRORS = re.compile(
    r"err|fail|exception|fatal|traceback|critical|panic|denied|slow|timeout|refused|rate.*limit", re.IGNORECASE
)
_REPLICAS = re.compile(r"([\w.-]+)=(\d+)")
_VERSION = re.compile(r"\d+(?:\.\d+)*")


def asks(step: Step) -> Iterator[Ask]:
    """Yield what a step asks of Docker."""
    for command in step.line.commands[:1]:
        composed = shell.compose(command)
        if composed is not None:
            yield from _compose(step, command, composed[0], composed[1])
        elif command.program in ("docker", "podman") and command.args:
            yield from _docker(step, command)
        elif container := in_container(command):
            yield from inside(step, command, container)


def _compose(step: Step, command: Command, subcommand: str, args: tuple[str, ...]) -> Iterator[Ask]:
    services = [arg for arg in _plain(args) if not is_open(arg)]
    match subcommand:
        case "ps" | "ls" | "top":
            yield from _running(step, stack(command), services)
        case "logs":
            yield from _logs(step, stack(command), services, Command("logs", args))
        case "images":
            yield from ()
        case "stats":
            yield from _stats(stack(command))


def _plain(args: tuple[str, ...]) -> list[str]:
    kept, skipped = [], False
    for arg in args:
        if skipped:
            skipped = False
        elif arg.startswith("-"):
            skipped = arg in (
                "-n",
                "--tail",
                "--since",
                "--until",
                "--format",
                "--filter",
                "-f" if "logs" in args else "--status",
            )
        else:
            kept.append(arg)
    return kept


def _docker(step: Step, command: Command) -> Iterator[Ask]:
    subcommand, args = command.args[0], command.args[1:]
    names = [arg for arg in _plain(args) if not is_open(arg) and not has_variables(arg)]
    if subcommand == "container" and names:
        subcommand, names = names[0], names[1:]
    match subcommand:
        case "ps":
            yield from _running(step, stack(), [])
        case "logs" if names:
            yield from _logs(step, stack(container=names[0]), [], Command("logs", args))
        case "stats":
            yield from _stats(stack(container=names[0]) if names else stack())
        case "system" if names[:1] == ["df"]:
            yield Ask("docker.disk", stack(), "docker_disk", needs_limit=True, sure=0.6)
        case "version" | "--version" | "info":
            yield from version(step, Ask("docker.version", stack(), needs_limit=True, sure=0.7), key="")
        case "inspect" if names:
            yield from _running(step, stack(container=names[0]), []) if "ealth" in step.words else ()


def version(step: Step, ask: Ask, key: str) -> Iterator[Ask]:
    """Yield a check of a version where one is expected: at least, or just that one."""
    match = re.search(
        rf"{key}\D{{0,40}}?(\d+(?:\.\d+)*)(\+)?", f"{step.expected}\n{step.around}", re.IGNORECASE | re.DOTALL
    )
    if match is None:
        return
    least = match[2] or re.search(
        r"at least|>=|≥|or (?:newer|later|higher)|minimum|mindestens|au moins",
        f"{step.title} {step.expected}",
        re.IGNORECASE,
    )
    yield replace(ask, limits=((None, f"{'>=' if least else '=='} {match[1]}"),), sure=0.85)


def _running(step: Step, target: TargetHint, services: list[str]) -> Iterator[Ask]:
    count = _COUNT.search(step.words)
    word = _WORD_COUNT.search(step.words)
    number = int(count[1]) if count else _NUMBERS[word[1].lower()] if word else None
    if _HEALTHY.search(step.words):
        limits = ((None, f"== {number}"),) if number else ()
        yield Ask("docker.healthy", target, limits=limits, sure=0.9)
        return
    keys = {"services": services} if services else {}
    yield Ask("docker.up", target, keys=keys, sure=0.85, subject=" ".join(services))


def _stats(target: TargetHint) -> Iterator[Ask]:
    yield Ask("docker.memory", target, "memory", sure=0.8)
    yield Ask("docker.cpu", target, "cpu", needs_limit=True, sure=0.7)


def _logs(step: Step, target: TargetHint, services: list[str], command: Command) -> Iterator[Ask]:
    grep = grep_of(step.line)
    if grep is None:
        yield from _started(step, target, services)
        return
    since = since_of(command)
    tail = command.option("--tail", "-n")
    if (
        not services
        and grep.pattern in ("ERROR", "ERROR|FATAL")
        and not grep.ignore_case
        and "names" not in target.keys
    ):
        rate = rate_of(since) or "/day"
        yield Ask(
            "docker.errors",
            target,
            "errors",
            keys={"pattern": grep.pattern} if grep.pattern != "ERROR" else {},
            sure=0.85,
            subject=rate,
        )
        return
    keys: dict[str, object] = {"pattern": literal(grep.pattern)}
    keys |= {"ignore_case": True} if grep.ignore_case else {}
    keys |= {"services": services} if services else {}
    keys |= {"last": int(tail)} if tail and tail.isdigit() and int(tail) else {}
    keys |= {"since": since} if since and since != "today" else {"since": "24h"}
    ask = Ask(
        "docker.logs",
        target,
        "errors",
        keys=keys,
        name=named(grep.pattern, "lines"),
        needs_limit=True,
        subject=grep.pattern,
    )
    yield _expected_lines(step, ask, grep.pattern)


def _expected_lines(step: Step, ask: Ask, pattern: str) -> Ask:
    """Return how many lines are expected: none, as many as a number says, else none of what sounds like an error."""
    if says_nothing(step.expected) or re.fullmatch(r"\W*0\W*", step.expected):
        return replace(ask, limits=((None, "== 0"),), sure=0.85)
    if _ERRORS.search(pattern) and not re.search(r"\d", step.expected):
        return replace(ask, limits=((None, "== 0"),), sure=0.4, look="nothing says how many are too many")
    return ask


def _started(step: Step, target: TargetHint, services: list[str]) -> Iterator[Ask]:
    """Yield a check for a line that a log is said to have once the service runs."""
    line = re.search(r"[\"“`]([^\"”`]{4,80})[\"”`]", step.expected)
    if line is None or not re.search(
        r"\b(?:log|line|says|shows|contains|started|running|listening|ready)\b", step.words, re.IGNORECASE
    ):
        return
    keys = {"pattern": literal(re.escape(line[1])), "since": "start"} | ({"services": services} if services else {})
    yield Ask("docker.logs", target, None, ((None, ">= 1"),), keys, named(line[1], "started"), 0.75, subject=line[1])


def inside(step: Step, command: Command, container: str) -> Iterator[Ask]:
    """Yield what a command in a container asks: whether variables are set, what Django says, what a command prints."""
    target = stack(command) if any(place.kind == "compose" for place in command.places) else stack(container=container)
    if command.program in ("printenv", "env"):
        grep = grep_of(step.line)
        names = [arg for arg in command.plain() if re.fullmatch(r"[A-Z][A-Z0-9_]+", arg)]
        names += [grep.pattern.strip("^=")] if grep and re.fullmatch(r"\^?[A-Z][A-Z0-9_]+=?", grep.pattern) else []
        found: object = {container: names} if names else Todo("the names of the variables that have to be set", "HOME")
        keys = {"names": found if names else [found]}
        yield Ask("docker.env", target, keys=keys, sure=0.85 if names else 0.4, subject=" ".join(names))
        return
    if command.program in ("psql", "redis-cli", "valkey-cli", "mysql", "mariadb", "celery", "pg_isready"):
        return
    from .django import command_in

    yield from command_in(step, command, target, container)


def state(line: Line) -> Iterator[Ask]:
    """Yield the state that a command sets: how many containers a service has."""
    for command in line.commands:
        composed = shell.compose(command)
        if composed is None:
            continue
        scaled = [composed[1][place + 1] for place, arg in enumerate(composed[1][:-1]) if arg == "--scale"]
        scaled += [arg.partition("=")[2] for arg in composed[1] if arg.startswith("--scale=")]
        scaled += list(composed[1]) if composed[0] == "scale" else []
        for replicas in scaled:
            if (match := _REPLICAS.fullmatch(replicas)) is not None:
                yield Ask(
                    "docker.replicas",
                    stack(command),
                    keys={"services": {match[1]: int(match[2])}},
                    sure=0.7,
                    subject=match[1],
                )
