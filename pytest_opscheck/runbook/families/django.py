"""Commands of an application in its container: Django's manage.py, and what prints a value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .. import guard
from ..asks import Ask, Command, Step, TargetHint, Todo, has_variables, is_open, literal, named
from ..words import says_nothing, says_well

_SESSIONS = ("shell", "dbshell", "shell_plus")
_INTERPRETERS = ("python", "python3", "ruby", "node", "php", "rails")


def command_in(step: Step, command: Command, target: TargetHint, container: str) -> Iterator[Ask]:
    """Yield a check that runs a command in a container: only what is known to read is taken from the runbook."""
    manage = _manage(command)
    if manage is not None and manage[0] in ("showmigrations", "migrate"):
        run = [*_words_before(command), "migrate", "--check"]
        yield Ask(
            "docker.exec",
            target,
            keys={"service": container, "run": run},
            name="migrations",
            sure=0.75,
            subject="migrate",
        )
        return
    reads = guard.of_command(command).reads and not command.variables
    text = " ".join(command.words)
    if reads and not is_open(text) and not has_variables(text) and len(step.line.commands) == 1:
        words = [literal(word) for word in command.words]
        keys: dict[str, object] = {"service": container, "run": words}
        name = named(manage[0] if manage else step.title or text, "command")
        if stdout := _printed(step):
            keys["stdout"] = stdout
        sure = 0.75 if manage or stdout else 0.5
        yield Ask("docker.exec", target, keys=keys, name=name, sure=sure, subject=text)
    elif (
        command.program in _INTERPRETERS
        and (manage is None or manage[0] not in _SESSIONS)
        and guard.of_command(command).kind is not guard.Kind.CHANGES
    ):
        what = f"a command in {container} that only reads, and ends with 0 where all is well"
        keys = {"service": container, "run": Todo(what, "true")}
        yield Ask(
            "docker.exec", target, keys=keys, name=named(step.title, "application"), sure=0.45, subject=step.title
        )


def _manage(command: Command) -> tuple[str, ...] | None:
    words = command.words
    place = next((place for place, word in enumerate(words) if word.endswith("manage.py")), None)
    return tuple(words[place + 1 :]) or None if place is not None else None


def _words_before(command: Command) -> list[str]:
    words = list(command.words)
    place = next(place for place, word in enumerate(words) if word.endswith("manage.py"))
    return words[: place + 1]


def _printed(step: Step) -> str | None:
    """Return what a command is expected to print, where the runbook quotes it."""
    text = step.expected.strip()
    quoted = re.fullmatch(r"\W*(?:prints |shows |returns |->|→)?\s*[`\"“]([^`\"”]{1,60})[`\"”]\.?", text)
    if quoted is None or says_nothing(text):
        return None
    return f"== {literal(quoted[1])}"


def on_host(step: Step, command: Command) -> Iterator[Ask]:
    """Yield a check of a command of the application on its host, for example `python manage.py check --deploy`."""
    manage = _manage(command)
    if (
        manage is None
        or not guard.of_command(command).reads
        or (len(step.line.commands) > 1 and manage[0] != "showmigrations")
    ):
        return
    from ..asks import ssh_host

    run = " ".join(command.words)
    if manage[0] in ("showmigrations", "migrate"):
        run = " ".join([*_words_before(command), "migrate", "--check"])
    if manage[0] == "dbshell":
        return
    look = "it runs on the host, in the home of who connects; where the application is in a container, use docker.exec"
    sure = 0.8 if says_well(step.words) else 0.75
    yield Ask(
        "host.command",
        ssh_host(command),
        keys={"run": literal(run)},
        name=named(manage[0]),
        sure=sure,
        look=look,
        subject=manage[0],
    )
