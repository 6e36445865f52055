"""What a deploy broke is rolled back, for its own reason and in time: each fault is a build's, deployed for real."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from .gating import Pipeline, load
from .stacks import Build, TradingBot


@dataclass(frozen=True)
class Fault:
    """A build with a fault. The gate has to name `reason`, `within_s` of the new version's first answer."""

    build: Build
    reason: str
    within_s: float
    arguments: tuple[str, ...] = ()
    windows: int = 5
    migrates: bool = True
    sql: str = ""
    awaits: bool = True


WATCHED = ("--watch", "4m", "--every", "10s")
FAULTS = {
    "it crashes at the start": Fault(Build(fault="crash"), "api-blue is exited", 15, awaits=False),
    "one path answers 500": Fault(Build(fault="one_path"), "http.status@signals: ", 15),
    "a migration is missing": Fault(Build(), "http.status@signals: ", 15, migrates=False),
    "an endpoint is open": Fault(Build(fault="open_to_all"), "http.status@status: ", 15),
    "rows are lost": Fault(Build(), "postgres.query.users@main: ", 15, sql="delete from users where id > 190"),
    "an error a second is logged": Fault(Build(fault="log_errors"), "docker.logs.errors@stack: ", 30),
    "the worker is dead": Fault(Build(worker_fault="worker"), "worker is exited", 60),
    "all is 40 % slower": Fault(Build(fault="slower"), "http.p95@portfolio: shift: ", 60, windows=10),
    "5 % of requests fail": Fault(Build(fault="some_requests"), "http.errors@portfolio: ", 90, windows=10),
    "5 % of requests are ten times slower": Fault(
        Build(fault="some_slow"), "http.p95@portfolio: tail: ", 120, windows=10
    ),
    "connections leak": Fault(Build(fault="leak"), "postgres.", 180, WATCHED),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_rolled_back_in_time(bot: TradingBot, pipeline: Pipeline, fault: Fault) -> None:
    pipeline.before(windows=fault.windows)
    if fault.migrates:
        bot.migrate()
    if fault.sql:
        bot.psql(fault.sql)
    bot.deploy(fault.build, awaits=fault.awaits)
    ended = pipeline.after("--version", fault.build.version, *fault.arguments)
    took_s = ended.since(bot.first_answer(fault.build.version, ended.began - 30))
    print(f"found after {took_s:.1f} s, {load()}: {ended.verdict}")
    assert ended.status == 1, ended
    assert fault.reason in ended.said, ended.said
    quiet = pipeline.after_in_a_window("--wait", "5s")
    assert quiet.status == 1, quiet
    assert took_s < fault.within_s, (load(), ended)


def test_one_of_two_instances_is_still_old(bot: TradingBot, pipeline: Pipeline) -> None:
    pipeline.before()
    bot.migrate()
    bot.start("blue", Build())
    bot.await_answer("blue")
    bot.route("blue", "green")
    ended = pipeline.after("--version", "1.5", "--wait", "10s")
    print(f"found after {ended.took_s:.1f} s, {load()}: {ended.verdict}")
    assert ended.status == 1, ended
    assert "answers came from 1.4, expected 1.5" in ended.said
    assert pipeline.after_in_a_window("--version", "1.5", "--wait", "5s").status == 1


def test_it_dies_after_three_minutes(bot: TradingBot, pipeline: Pipeline) -> None:
    """With the time between two looks that a gate has where nothing else is said."""
    pipeline.before()
    bot.migrate()
    bot.deploy(Build(fault="die_later"))
    ended = pipeline.after("--version", "1.5", "--watch", "10m")
    took_s = ended.ended - bot.died("api-blue")
    print(f"found {took_s:.1f} s after its death, {load()}: {ended.verdict}")
    assert ended.status == 1, ended
    assert pipeline.after_in_a_window("--wait", "5s").status == 1
    assert took_s < 35, (load(), ended)
