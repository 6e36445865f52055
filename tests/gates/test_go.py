"""What only looks like a fault goes: nobody is woken, and nothing is rolled back, for it."""

from __future__ import annotations

import time

from .gating import Outcome, Pipeline, load
from .stacks import DISK, Build, TradingBot


def goes(ended: Outcome) -> str:
    """Return what a gate said that has to be a go."""
    assert ended.status == 0, ended
    print(f"go after {ended.ended - ended.began:.0f} s, {load()}")
    return ended.said


def goes_in_a_window(pipeline: Pipeline) -> None:
    goes(pipeline.after_in_a_window("--version", "1.5"))


def deployed(bot: TradingBot, pipeline: Pipeline, fault: str = "", *, windows: int = 10, awaits: bool = True) -> None:
    """Record a baseline, and deploy a build."""
    pipeline.before(windows=windows)
    bot.migrate()
    bot.deploy(Build(fault=fault), awaits=awaits)


def test_a_cold_start_is_waited_for(bot: TradingBot, pipeline: Pipeline) -> None:
    deployed(bot, pipeline, "cold_start", awaits=False)
    began = time.time()
    goes(pipeline.after("--version", "1.5", "--wait", "60s"))
    assert bot.first_answer("1.5", began) - began > 40
    goes_in_a_window(pipeline)


def test_the_first_requests_may_be_slow(bot: TradingBot, pipeline: Pipeline) -> None:
    deployed(bot, pipeline, "cold_cache")
    goes(pipeline.after("--version", "1.5"))
    goes_in_a_window(pipeline)


def test_a_disk_that_was_full_before_is_no_fault_of_the_deploy(bot: TradingBot, pipeline: Pipeline) -> None:
    bot.run("db", f"fallocate -l $(df --output=avail -B1 {DISK} | awk 'NR==2 {{print int($1 * 0.9)}}') {DISK}/filling")
    ended = pipeline.run("before", "--windows", "10", "--every", "1s")
    assert "already broken: host.disk@db" in ended.said, ended
    bot.migrate()
    bot.deploy(Build())
    assert "host.disk@db: already broken" in goes(pipeline.after("--version", "1.5"))
    goes_in_a_window(pipeline)


def test_one_502_is_none_too_many(bot: TradingBot, pipeline: Pipeline) -> None:
    """The cutover itself gives some, and one more comes while the gate looks."""
    pipeline.before(windows=10)
    bot.migrate()
    bot.deploy(Build(fault="one_502"), awaits=False)
    began = time.time()
    goes(pipeline.after("--version", "1.5"))
    assert (
        sum(
            each.status == "502" and each.path == "/api/v1/signals" and each.version == "1.5"
            for each in bot.answers(began)
        )
        == 1
    )
    goes_in_a_window(pipeline)


def test_more_traffic_with_the_same_share_of_errors(bot: TradingBot, pipeline: Pipeline) -> None:
    deployed(bot, pipeline)
    bot.up_again(["RATE=30"], "traffic")
    try:
        goes(pipeline.after("--version", "1.5", "--watch", "70s", "--every", "10s"))
        goes_in_a_window(pipeline)
    finally:
        bot.up_again(["RATE=10"], "traffic")


def test_the_same_code_goes(bot: TradingBot, pipeline: Pipeline) -> None:
    """Twenty deploys of it, every other one in a maintenance window: at most one is rolled back."""
    bot.migrate()
    bot.deploy(Build())
    ended = []
    for number in range(20):
        pipeline.before()
        bot.deploy(Build())
        judge = pipeline.after_in_a_window if number % 2 else pipeline.after
        ended.append(judge("--version", "1.5"))
        print(f"{number + 1}: {ended[-1].verdict}, {load()}")
    assert sum(each.status == 1 for each in ended) <= 1, ended
    assert {each.status for each in ended} <= {0, 1, 6}, ended
