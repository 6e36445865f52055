"""The stacks on which the gate is proven: builds are deployed as a pipeline does it, by hand of the tests."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.stack import Stack, StackError, said

BUILDS = Path(__file__).parent / "builds"
COLORS = {"green": "blue", "blue": "green"}


@dataclass(frozen=True)
class Build:
    """What is deployed; `fault` is one of the build's own, `worker_fault` one of its worker's."""

    version: str = "1.5"
    fault: str = ""
    worker_fault: str = ""


@dataclass(frozen=True)
class Answer:
    """A line of nginx's log."""

    at: float
    status: str
    version: str
    path: str


DISK = "/var/lib/postgresql/data"
UNDONE = """
alter table signals drop column if exists strength;
insert into users select n, 'user ' || n from generate_series(1, 200) n on conflict do nothing;
"""


class TradingBot(Stack):
    """The trading bot in two colours, of which one has the traffic."""

    @property
    def folder(self) -> Path:
        """Where its Compose file and its inventory are."""
        return BUILDS / "trading-bot"

    @property
    def live(self) -> str:
        """The colour that has the traffic."""
        return "blue" if "blue" in self.run("nginx", "cat /etc/nginx/live.conf") else "green"

    def wait(self, *services: str) -> None:
        """Wait for those that have a health check: what is deployed has none, for it may be meant to fail."""
        super().wait(*(services or ("nginx", "traffic")))

    def reset(self) -> None:
        """Be as before any deploy: 1.4 everywhere, and data as they were made."""
        pairs = [f"{name}_{key}" for name in ("GREEN", "BLUE", "WORKER") for key in ("VERSION=1.4", "FAULT=")]
        self.up_again(pairs, "api-green", "api-blue", "worker")
        self.psql(UNDONE)
        self.run("db", f"rm -f {DISK}/filling")
        self.await_answer("green")
        self.await_answer("blue")
        self.route("green")

    def deploy(self, build: Build, *, awaits: bool = True) -> None:
        """Start a build in the colour that has no traffic, and its worker, and move the traffic to it."""
        color = COLORS[self.live]
        self.start(color, build)
        if awaits:
            self.await_answer(color)
        self.route(color)

    def start(self, color: str, build: Build) -> None:
        """Start a build in a colour, anew, and its worker."""
        pairs = [f"{name}_VERSION={build.version}" for name in (color.upper(), "WORKER")]
        pairs += [f"{color.upper()}_FAULT={build.fault}", f"WORKER_FAULT={build.worker_fault}"]
        self.up_again(pairs, f"api-{color}", "worker")

    def up_again(self, pairs: list[str], *services: str) -> None:
        """Start services anew, with these variables."""
        file = str(self.folder / "compose.yml")
        up = ["up", "-d", "-t", "1", "--no-deps", "--force-recreate", *services]
        said(["env", *pairs, "docker-compose", "-p", self.name, "-f", file, *up])

    def await_answer(self, color: str) -> None:
        """Wait until a colour answers, as a deploy script does before it moves traffic; at most 30 s."""
        for _ in range(150):
            try:
                self.run("nginx", f"curl -fs -o /dev/null http://api-{color}:8000/version")
            except StackError:
                time.sleep(0.2)
            else:
                return

    def route(self, *colors: str) -> None:
        """Move the traffic to a colour, or to several in turn."""
        servers = " ".join(f"server api-{color}:8000 max_fails=0;" for color in colors)
        self.run("nginx", f"echo '{servers}' > /etc/nginx/live.conf && nginx -s reload")

    def psql(self, sql: str) -> str:
        """Run SQL as the application's own user."""
        return self.run("db", f'psql -qtA -h 127.0.0.1 -U trader trading -c "{sql}"')

    def migrate(self) -> None:
        """Apply what 1.5 needs."""
        self.psql((self.folder / "1.5.sql").read_text(encoding="utf-8"))

    def address(self, service: str) -> str:
        """Return the address of a service's container in the stack's network."""
        shape = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return said(["docker", "inspect", "-f", shape, self.container(service)])

    def died(self, service: str) -> float:
        """Return when a service's container ended, by the clock."""
        ended = said(["docker", "inspect", "-f", "{{.State.FinishedAt}}", self.container(service)])
        return dt.datetime.fromisoformat(ended[:26]).replace(tzinfo=dt.UTC).timestamp()

    def first_answer(self, version: str, since: float) -> float:
        """Return when a version gave its first good answer through nginx; infinity where it never did."""
        found = (each.at for each in self.answers(since) if each.version == version and each.status.startswith("2"))
        return next(found, float("inf"))

    def answers(self, since: float) -> Iterator[Answer]:
        """Yield the answers that nginx gave since a moment by the clock, the oldest first."""
        for line in said(["docker", "logs", "--since", str(int(since)), self.container("nginx")]).splitlines():
            at, *rest = line.split()
            if len(rest) == 3 and float(at) >= since:
                yield Answer(float(at), *rest)

    def await_request(self, path: str, since: float) -> None:
        """Wait until a path was asked for since a moment, at most 60 s."""
        until = time.monotonic() + 60
        while not any(each.path == path for each in self.answers(since)):
            assert time.monotonic() < until, f"nobody has asked for {path}"
            time.sleep(0.2)


@contextmanager
def trading_bot() -> Iterator[TradingBot]:
    """Run the trading bot while the block lasts."""
    stack = TradingBot("gates-trading-bot")
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
