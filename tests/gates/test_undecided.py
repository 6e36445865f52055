"""What a gate could not see is undecided: never a go, and never a reason to roll back."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

from examples.stack import said

from .gating import Outcome, Pipeline
from .stacks import Build, TradingBot


def undecided(ended: Outcome) -> str:
    """Return what a gate said that has to be undecided."""
    assert ended.status == 6, ended
    assert ended.said.startswith("undecided: "), ended
    print(ended.said.partition("\n")[0])
    return ended.said


def test_the_checkers_network_is_cut(bot: TradingBot, pipeline: Pipeline) -> None:
    """The gate looks from a network of its own, which is cut while it watches a deploy of the same code."""
    there = from_elsewhere(bot, pipeline)
    there.before()
    bot.migrate()
    bot.deploy(Build())
    began = time.time()
    there.begin("after", "--version", "1.5", "--wait", "20s", "--watch", "30s", "--every", "5s")
    bot.await_request("/api/v1/portfolio?user=7", since=began)
    network, name = "gates-trading-bot_default", bot.containers("elsewhere")[0]
    said(["docker", "network", "disconnect", network, name])
    try:
        undecided(there.end())
        undecided(there.after_in_a_window("--wait", "5s"))
    finally:
        said(["docker", "network", "connect", network, name])


def from_elsewhere(bot: TradingBot, pipeline: Pipeline) -> Pipeline:
    """Return a pipeline that runs in the network of a container, and reaches the servers by their own addresses."""
    process = said(["docker", "inspect", "-f", "{{.State.Pid}}", bot.containers("elsewhere")[0]])
    addresses = {
        "WEB": f"http://{bot.address('nginx')}:8080",
        "DATABASE_URL": f"postgresql://checks@{bot.address('db')}/trading",
        "BROKER_URL": f"redis://{bot.address('redis')}/1",
        "PROMETHEUS": f"http://{bot.address('prometheus')}:9090",
    }
    environment = {**pipeline.environment, **addresses}
    return replace(pipeline, environment=environment, prefix=("nsenter", f"--net=/proc/{process}/ns/net"))


def test_prometheus_is_gone(bot: TradingBot, pipeline: Pipeline) -> None:
    pipeline.before()
    bot.migrate()
    bot.deploy(Build())
    bot.compose("stop", "prometheus")
    try:
        assert "prometheus" in undecided(pipeline.after("--version", "1.5", "--wait", "10s"))
        undecided(pipeline.after_in_a_window("--wait", "5s"))
    finally:
        bot.compose("start", "prometheus")


def test_there_is_no_baseline(bot: TradingBot, pipeline: Pipeline) -> None:
    bot.migrate()
    bot.deploy(Build())
    assert "can't be compared with the baseline: there is no baseline" in undecided(pipeline.after())
    undecided(pipeline.after_in_a_window())


def test_the_baseline_is_of_another_address(bot: TradingBot, pipeline: Pipeline) -> None:
    pipeline.before()
    bot.migrate()
    bot.deploy(Build())
    there = replace(pipeline, environment={**pipeline.environment, "WEB": "http://localhost:18680"})
    assert "can't be compared with the baseline: " in undecided(there.after("--version", "1.5"))
    undecided(there.after_in_a_window("--version", "1.5"))


def test_twenty_requests_are_too_few_where_times_differ_much(bot: TradingBot, pipeline: Pipeline) -> None:
    """At a spread of 1 (the logarithm's), 20 requests of the same code say nothing."""
    bot.deploy(Build("1.4", fault="uneven"))
    pipeline.before()
    bot.migrate()
    bot.deploy(Build(fault="uneven"))
    ended = pipeline.after("--version", "1.5", "--json", "gate.json")
    assert ended.status != 1, ended
    kept = json.loads((pipeline.folder / "gate.json").read_text(encoding="utf-8"))
    times = [len(samples(look)) for look in kept["after"]]
    first = next(place for place, count in enumerate(times) if count)
    assert times[first] == 20
    kept["after"] = kept["after"][: first + 1]
    (pipeline.folder / "first.json").write_text(json.dumps(kept), encoding="utf-8")
    assert "http.p95@portfolio" in undecided(pipeline.run("verdict", "first.json"))


def samples(look: dict[str, Any]) -> list[int]:
    """Return the times of a look's requests."""
    found = (
        m.get("samples", []) for r in look["results"] if r["id"] == "http.p95@portfolio" for m in r["measurements"]
    )
    return [each for samples in found for each in samples]
