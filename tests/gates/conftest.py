"""The stacks, and a pipeline for each test that begins as before any deploy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .gating import Pipeline
from .stacks import TradingBot, trading_bot


@pytest.fixture(scope="session")
def running_bot() -> Iterator[TradingBot]:
    with trading_bot() as stack:
        yield stack


@pytest.fixture
def bot(running_bot: TradingBot) -> TradingBot:
    """The trading bot with 1.4 in both colours, and nothing left of the test before."""
    running_bot.reset()
    return running_bot


@pytest.fixture
def pipeline(bot: TradingBot, tmp_path: Path) -> Iterator[Pipeline]:
    """A pipeline that deploys the trading bot."""
    made = Pipeline.of(tmp_path, bot.folder / "opscheck.toml", bot.environment)
    yield made
    made.kill()
