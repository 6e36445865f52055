"""Faults of examples/income-fortress."""

from __future__ import annotations

from collections.abc import Iterator

from examples.stack import Stack

from .catalogue import Catalogue

fault = Catalogue("income-fortress")


@fault("docker.healthy@stack", "P0", "redis", "exited")
@fault("redis.reachable@cache", "P0", "redis.cache can't be reached")
def redis_is_stopped(stack: Stack) -> Iterator[None]:
    stack.compose("stop", "-t", "1", "redis")
    yield
    stack.compose("start", "redis")
    stack.wait("redis")


@fault("postgres.reachable@main", "P0", "postgres.main can't be reached")
def the_database_is_stopped(stack: Stack) -> Iterator[None]:
    stack.compose("stop", "-t", "1", "db")
    yield
    stack.compose("up", "-d", "--force-recreate", "db")
    stack.wait("db")
