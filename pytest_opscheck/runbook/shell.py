"""A line of a shell as its commands: prompts, pipes, variables, and programs that run another one, taken apart."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

LONGEST = 2000
"""A longer line is not read as a command."""
_PROMPT = re.compile(
    r"^\s*(?:[\w.-]+@[\w.-]+[:~\w/. -]{0,60}[$#]|\[[\w.@ ~/-]{1,60}\][$#]|\(\w+\)\s*[$#]|[$%\u276f»➜☐☑□▢]|>>?)\s+(?=\S)"
)
"""What stands in front of a command that is not a part of it: a prompt, or a box to tick."""
_ROOT_PROMPT = re.compile(r"^\s*#\s+(?=\S)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_BETWEEN = frozenset(("|", "||", "&&", ";", "|&", "&"))
_REDIRECT = re.compile(r"[0-9&]*(?:>>?|>\||&>>?)(?:&[0-9-])?")
_SUBSTITUTED = re.compile(r"\$\(([^()]*)\)|`([^`]*)`|[<>]\(([^()]*)\)")
_SHELLS = frozenset(("sh", "bash", "zsh", "dash", "ksh", "ash"))
_WORDS = frozenset(
    (
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "do",
        "done",
        "while",
        "until",
        "for",
        "in",
        "case",
        "esac",
        "{",
        "}",
        "!",
        "[[",
    )
)
_RUNNERS: dict[str, frozenset[str]] = {
    "sudo": frozenset(("-u", "--user", "-g", "--group", "-h", "-p")),
    "doas": frozenset(("-u",)),
    "time": frozenset(("-f", "-o")),
    "nice": frozenset(("-n",)),
    "ionice": frozenset(("-c", "-n")),
    "timeout": frozenset(("-s", "-k", "--signal")),
    "watch": frozenset(("-n", "--interval", "-d")),
    "env": frozenset(("-u",)),
    "nohup": frozenset(),
    "command": frozenset(),
    "exec": frozenset(),
    "xargs": frozenset(("-n", "-I", "-P", "-L", "-d", "--max-args", "--max-procs")),
}
"""Programs that run another one, and those of their options that take a value."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command runs: a container, a service of Compose, another host."""

    kind: str
    name: str
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One program with its arguments, the variables before it, and where it runs."""

    program: str
    args: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    variables: tuple[str, ...] = ()
    runners: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    """The files that its output goes to."""

    @property
    def words(self) -> tuple[str, ...]:
        """The program and its arguments."""
        return (self.program, *self.args)

    def option(self, *names: str) -> str | None:
        """Return the value of an option: `-n 5`, `--tail=5`, `-U app`; None where it is not there."""
        for place, arg in enumerate(self.args):
            for name in names:
                if arg == name:
                    return self.args[place + 1] if place + 1 < len(self.args) else ""
                if arg.startswith(f"{name}=") or (
                    len(name) == len("-x") and not name.startswith("--") and arg.startswith(name)
                ):
                    return arg[len(name) :].removeprefix("=")
        return None

    def has(self, *names: str) -> bool:
        """Tell whether one of these words is among the arguments."""
        return any(arg in names or arg.partition("=")[0] in names for arg in self.args)

    def plain(self) -> tuple[str, ...]:
        """Return the arguments that are no options."""
        return tuple(arg for arg in self.args if not arg.startswith("-"))


@dataclass(frozen=True, slots=True)
class Line:
    """The commands of a line, in their order; `broken` where it can't be read as a shell would."""

    text: str
    commands: tuple[Command, ...] = ()
    nested: tuple[Line, ...] = ()
    broken: bool = False
    comment: str = ""
    first: Command = field(default_factory=lambda: Command(""))


def without_prompt(text: str, *, root: bool = False) -> tuple[str, bool]:
    """Return a line without the prompt that it begins with, and whether it had one."""
    found = _PROMPT.match(text) or (_ROOT_PROMPT.match(text) if root else None)
    return (text[found.end() :], True) if found else (text, False)


def read(text: str) -> Line:
    """Return a line's commands. One that no shell would read is broken."""
    code, comment = _without_comment(text.strip())
    if len(code) > LONGEST:
        return Line(text, broken=True)
    nested = tuple(read(next(filter(None, groups), "")) for groups in _SUBSTITUTED.findall(code) if any(groups))
    try:
        words = _words(_SUBSTITUTED.sub("$(...)", code))
    except ValueError:
        return Line(text, nested=nested, broken=True, comment=comment)
    commands = tuple(command for part in _parts(words) for command in _commands(part))
    first = commands[0] if commands else Command("")
    return Line(text, commands, nested, comment=comment, first=first)


def _without_comment(text: str) -> tuple[str, str]:
    """Return a command and the comment behind it: a # at the start of a word, outside of quotes."""
    quote = ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and place and text[place - 1].isspace():
            return text[:place].rstrip(), text[place + 1 :].strip()
    return text, ""


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def _parts(words: list[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for word in words:
        if word in _BETWEEN or (word and set(word) <= {"|", "&", ";"}):
            yield part
            part = []
        else:
            part.append(word)
    yield part


def _commands(words: list[str]) -> Iterator[Command]:
    """Yield the command that words are, with those that it runs in turn."""
    words, writes = _redirected(words)
    while words and words[0] in _WORDS:
        if words[0] in ("for", "case"):
            return
        words = words[1:]
    yield from _unwrapped(words, Command("", writes=tuple(writes)))


def _redirected(words: list[str]) -> tuple[list[str], list[str]]:
    """Return words without redirections, and the files that these write."""
    kept: list[str] = []
    writes: list[str] = []
    place = 0
    while place < len(words):
        word = words[place]
        following = words[place + 1] if place + 1 < len(words) else ""
        if set(word) <= set("<>&|") and ">" in word:
            if kept and kept[-1].isdigit():
                kept.pop()
            writes += [] if following.startswith(("/dev/", "&", "1", "2")) else [following]
            place += 2
        elif set(word) <= set("<") and word:
            place += 2
        else:
            kept.append(word)
            place += 1
    return kept, writes


def _unwrapped(words: list[str], so_far: Command) -> Iterator[Command]:
    """Yield what words run: behind sudo, in a container, on another host."""
    variables = list(so_far.variables)
    while words and _ASSIGNMENT.fullmatch(words[0]):
        variables.append(words[0])
        words = words[1:]
    if not words:
        return
    program = words[0].rpartition("/")[2] if words[0].startswith(("/usr/", "/bin/", "/sbin/")) else words[0]
    made = Command(program, tuple(words[1:]), so_far.places, tuple(variables), so_far.runners, so_far.writes)
    if program in _RUNNERS:
        inner = _after_options(words[1:], _RUNNERS[program], numbers=program == "timeout")
        runner = Command("", (), made.places, made.variables, (*made.runners, program), made.writes)
        if inner:
            yield from _unwrapped(inner, runner)
            return
        if program in ("env", "time"):
            yield made
        return
    if program in _SHELLS and (script := made.option("-c", "-lc", "-ec")) is not None:
        yield from _again(script, made.places, made)
        return
    yield from _elsewhere(made)


def _after_options(words: list[str], valued: frozenset[str], *, numbers: bool) -> list[str]:
    place = 0
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in valued else 1
    if numbers and place < len(words) and re.fullmatch(r"[0-9.]+[smhd]?", words[place]):
        place += 1
    return words[place:]


def _again(text: str, places: tuple[Place, ...], outer: Command) -> Iterator[Command]:
    inner = read(text)
    if inner.broken:
        yield outer
        return
    for command in (*inner.commands, *(each for nested in inner.nested for each in nested.commands)):
        yield Command(
            command.program,
            command.args,
            (*places, *command.places),
            command.variables,
            (*outer.runners, *command.runners),
            (*outer.writes, *command.writes),
        )


_EXEC_VALUED = frozenset(
    (
        "-u",
        "--user",
        "-w",
        "--workdir",
        "-e",
        "--env",
        "--index",
        "--env-file",
        "-n",
        "--namespace",
        "-c",
        "--container",
    )
)
_COMPOSE_VALUED = frozenset(("-f", "--file", "-p", "--project-name", "--env-file", "--profile", "--project-directory"))


def compose(command: Command) -> tuple[str, tuple[str, ...], str | None] | None:
    """Return the subcommand of Compose, its arguments and its project; None where it is another program."""
    words = list(command.args)
    if command.program in ("docker", "podman") and words[:1] == ["compose"]:
        words = words[1:]
    elif command.program not in ("docker-compose", "podman-compose"):
        return None
    project = None
    while words and words[0].startswith("-"):
        name, equals, value = words[0].partition("=")
        taken = 2 if name in _COMPOSE_VALUED and not equals else 1
        if name in ("-p", "--project-name"):
            project = value or (words[1] if len(words) > 1 else None)
        words = words[taken:]
    return (words[0], tuple(words[1:]), project) if words else ("", (), project)


def _elsewhere(command: Command) -> Iterator[Command]:
    """Yield what runs in a container or on another host, else the command itself."""
    place, inner = _place(command)
    if place is None:
        yield command
        return
    places = (*command.places, place)
    if not inner:
        yield Command("", (), places, command.variables, command.runners, command.writes)
        return
    outer = Command("", (), places, command.variables, command.runners, command.writes)
    if len(inner) == 1 and " " in inner[0]:
        yield from _again(inner[0], places, outer)
    else:
        yield from _unwrapped(inner, outer)


def _place(command: Command) -> tuple[Place | None, list[str]]:
    if (composed := compose(command)) is not None:
        subcommand, args, project = composed
        return _inside("compose", list(args), project) if subcommand == "exec" else (None, [])
    if command.program in ("docker", "podman") and command.args[:1] == ("exec",):
        return _inside("container", list(command.args[1:]), None)
    if command.program == "docker" and command.args[:2] == ("container", "exec"):
        return _inside("container", list(command.args[2:]), None)
    if command.program in ("kubectl", "oc") and "exec" in command.args[:4]:
        words = list(command.args[command.args.index("exec") + 1 :])
        inner = words[words.index("--") + 1 :] if "--" in words else []
        return Place("kubernetes", next((word for word in words if not word.startswith("-")), "")), inner
    if command.program == "ssh":
        words = _after_options(list(command.args), frozenset(("-i", "-p", "-l", "-o", "-F", "-J")), numbers=False)
        return (Place("ssh", words[0]), words[1:]) if words else (None, [])
    return None, []


def _inside(kind: str, words: list[str], project: str | None) -> tuple[Place | None, list[str]]:
    words = _after_options(words, _EXEC_VALUED, numbers=False)
    return (Place(kind, words[0], project), words[1:]) if words else (None, [])
