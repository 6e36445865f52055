"""NTP servers: whether one answers, how far this machine's clock is from it, and how much its own drifts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import Field, SecretStr

from pytest_opscheck import Kind, Output, Reach, Target, UnknownError

from . import sntp


class NtpServer(Target):
    """Where the server is, and how it is asked."""

    address: str = Field(description="the server: pool.ntp.org, or 10.0.0.1:123", min_length=1)
    key: SecretStr | None = Field(default=None, description="the secret of its key 1, for SHA1")
    on: str | None = Field(default=None, description="the host on which its files are read")

    def host(self) -> str | None:
        """Return the host on which its files are read."""
        return self.on

    def where(self) -> str:
        """Return where it is, as people would type it."""
        return self.address


@contextmanager
def connect(target: NtpServer, timeout_s: float) -> Iterator[sntp.Answer]:
    """Ask the server for its time: the probes and people's own tests read its answer."""
    yield sntp.ask(target.address, timeout_s, target.key.get_secret_value() if target.key else None)


kind = Kind(
    name="ntp",
    target=NtpServer,
    summary="an NTP server",
    connect=connect,
    api=1,
    checks="pytest_opscheck_ntp.test_ntp",
    example="""\
[ntp.pool]
address = "pool.ntp.org"
[ntp.pool.expect]
offset = { P3 = "< 100ms", P1 = "< 1s" }
""",
)


@kind.probe()
def reachable(answer: sntp.Answer) -> Reach:
    """The server answers."""
    return Reach(f"NTP version {answer.version}")


@kind.probe()
def offset(answer: sntp.Answer) -> float:
    """By how many seconds this machine's clock and the server's differ."""
    if answer.stratum in (0, 16):
        raise UnknownError("its own clock is not synchronised; see which servers it asks: chronyc sources")
    return abs(answer.offset_s)


@kind.shell('cat "$1"', args=lambda _target, file: [file])
def drift(output: Output, *, file: str = "/var/lib/chrony/chrony.drift") -> float:
    """By how much its clock drifts, in parts per million, as its daemon has noted it."""
    try:
        return abs(float(output.lines()[0].split()[0]))
    except (IndexError, ValueError):
        raise UnknownError("its drift file has no number in it; see whether its daemon runs") from None
