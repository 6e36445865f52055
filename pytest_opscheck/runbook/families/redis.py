"""redis-cli: what it asks, and what it sets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ...core.shapes import is_secret_key
from ..asks import Ask, Command, Line, Step, TargetHint, grep_of, has_variables, is_open, literal
from ..quantities import read
from ..sessions import redis_words
from ..words import says_nothing
from .celery import target_of as broker
from .docker import version

_POLICY = re.compile(r"\b(noeviction|(?:allkeys|volatile)-(?:lru|lfu|random|ttl))\b")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_FIELDS = (
    (re.compile(r"used_memory|memory|maxmemory"), "memory"),
    (re.compile(r"keyspace|hits|misses|hit"), "hit_rate"),
    (re.compile(r"evicted"), "evicted"),
    (re.compile(r"clients|connected"), "clients"),
    (re.compile(r"rdb|save|persistence|aof"), "last_save"),
    (re.compile(r"role|replication|slave|replica|master|lag|link"), "replication"),
    (re.compile(r"redis_version|server"), "version"),
)
_METRICS = {"memory": "redis_memory", "hit_rate": "hit_rate", "evicted": "evicted", "clients": "redis_clients"}


def target_of(command: Command | None = None) -> TargetHint:
    """Return the server that redis-cli asks: its address is left to the environment."""
    variable = "REDIS_URL"
    if command is not None:
        text = " ".join(arg for arg in command.args if has_variables(arg))
        found = next(
            (
                name
                for name in _VARIABLE.findall(text)
                if re.search(r"URL|URI|DSN", name)
                or (not is_secret_key(name) and "REDIS" in name and "HOST" not in name)
            ),
            None,
        )
        variable = found or variable
    return TargetHint("redis", "redis", "cache", {"url": f"${{{variable}}}"})


def asks(step: Step) -> Iterator[Ask]:
    """Yield what a step asks of Redis."""
    for command in step.line.commands:
        if command.program in ("redis-cli", "valkey-cli"):
            if command.has("--version", "-v"):
                yield from version(step, Ask("redis.version", target_of(), needs_limit=True), key="(?:redis|version)")
            else:
                yield from of_words(step, redis_words(command), target_of(command))
            return


def of_words(step: Step, words: list[str], target: TargetHint) -> Iterator[Ask]:
    """Yield what one command of Redis asks."""
    first, second = (words[0].lower() if words else "", words[1] if len(words) > 1 else "")
    match first:
        case "ping":
            yield Ask("redis.reachable", target, sure=0.9)
        case "info":
            yield from _info(step, second.lower(), target)
        case "keys" if second and not is_open(second) and not has_variables(second):
            yield _matching(step, target, second)
        case "config" if second.lower() == "get":
            yield from _setting(step, words[2] if len(words) > 2 else "", target)  # noqa: PLR2004 - config get NAME
        case "llen" if second and not is_open(second):
            keys = {"queues": [second]}
            yield Ask("celery.queue_length", broker(), "queue", keys=keys, needs_limit=True, sure=0.85, subject=second)
        case name if name in _SIMPLE:
            yield replace(_SIMPLE[name], target=target)
        case _ if (pattern := step.line.first.option("--pattern")) and not has_variables(pattern):
            yield _matching(step, target, pattern)


_HERE = target_of()
_SAVED = Ask("redis.last_save", _HERE, limits=((None, "< 26h"),), sure=0.6, look="nothing says how old a save may be")
_SIMPLE = {
    "dbsize": Ask("redis.keys", _HERE, "keys", needs_limit=True, sure=0.85),
    "ttl": Ask("redis.keys_without_ttl", _HERE, "keys_without_ttl", needs_limit=True, sure=0.5),
    "pttl": Ask("redis.keys_without_ttl", _HERE, "keys_without_ttl", needs_limit=True, sure=0.5),
    "lastsave": _SAVED,
    "client": Ask("redis.clients", _HERE, "redis_clients", needs_limit=True, sure=0.75),
    "role": Ask("redis.replication", _HERE, needs_limit=True, sure=0.5),
}
"""Commands of Redis that ask the same whatever stands behind them."""


def _setting(step: Step, name: str, target: TargetHint) -> Iterator[Ask]:
    if "policy" in name:
        yield from _policy(step.words, target)
    elif "maxmemory" in name:
        yield Ask("redis.memory", target, "redis_memory", sure=0.7)


def _matching(step: Step, target: TargetHint, pattern: str) -> Ask:
    none = re.search(r"(?<![\w.])0(?![\w.])", step.expected) or says_nothing(step.expected)
    if none:
        return Ask(
            "redis.keys_matching", target, keys={"patterns": {literal(pattern): "== 0"}}, sure=0.8, subject=pattern
        )
    if pattern == "*":
        return Ask("redis.keys", target, "keys", needs_limit=True, sure=0.6)
    quantity = next((each for each in read(step.expected) if each.operator and not each.unit), None)
    if quantity is not None:
        keys = {"patterns": {literal(pattern): f"{quantity.operator} {quantity.number}"}}
        return Ask("redis.keys_matching", target, keys=keys, sure=0.85, subject=pattern)
    return Ask("redis.keys_matching", target, keys={"patterns": {literal(pattern): "> 0"}}, sure=0.6, subject=pattern)


def _info(step: Step, section: str, target: TargetHint) -> Iterator[Ask]:
    grep = grep_of(step.line)
    text = f"{grep.pattern if grep else ''} {section}"
    wanted = next((field for words, field in _FIELDS if words.search(grep.pattern)), None) if grep else None
    wanted = wanted or next((field for words, field in _FIELDS if words.search(text)), None)
    if wanted is None and section == "stats":
        wanted = "hit_rate"
    if wanted in _METRICS:
        yield Ask(f"redis.{wanted}", target, _METRICS[wanted], needs_limit=wanted != "memory", sure=0.85)
    elif wanted == "last_save":
        yield Ask(
            "redis.last_save", target, limits=((None, "< 26h"),), sure=0.6, look="nothing says how old a save may be"
        )
    elif wanted == "version":
        yield from version(step, Ask("redis.version", target, needs_limit=True), key="(?:redis|version)")
    elif wanted == "replication":
        yield Ask("redis.replication", target, "replication_lag", needs_limit=True, sure=0.6)
    elif wanted is None:
        yield Ask("redis.memory", target, "redis_memory", sure=0.6)


def _policy(text: str, target: TargetHint) -> Iterator[Ask]:
    found = _POLICY.search(text)
    ask = Ask("redis.maxmemory_policy", target, needs_limit=True, sure=0.85)
    yield replace(ask, limits=((None, f"== {found[1]}"),)) if found else ask


def state(line: Line) -> Iterator[Ask]:
    """Yield the state that a command sets: the policy by which keys go."""
    for command in line.commands:
        if command.program not in ("redis-cli", "valkey-cli"):
            text = " ".join(command.args)
            if "maxmemory-policy" in text and (found := _POLICY.search(text)):
                yield Ask("redis.maxmemory_policy", target_of(), limits=((None, f"== {found[1]}"),), sure=0.7)
            continue
        words = [word.lower() for word in redis_words(command)]
        if words[:2] == ["config", "set"] and (found := _POLICY.search(" ".join(words))):
            yield Ask("redis.maxmemory_policy", target_of(command), limits=((None, f"== {found[1]}"),), sure=0.75)
        elif words[:1] == ["bgsave"]:
            yield Ask(
                "redis.last_save",
                target_of(command),
                limits=((None, "< 26h"),),
                sure=0.4,
                look="nothing says how old a save may be",
            )
