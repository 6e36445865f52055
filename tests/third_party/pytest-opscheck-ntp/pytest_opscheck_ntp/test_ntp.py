"""The checks of NTP servers."""

from pytest_opscheck import check
from pytest_opscheck_ntp import drift, offset, reachable


@check(reachable, limit="~ NTP", severity="P1", suites=("*",), action="See whether chronyd runs at {target}")
def test_reachable(reachable, expect):
    """The NTP server answers."""
    expect(reachable.target)


@check(
    offset,
    limit={"P3": "< 100ms", "P1": "< 1s"},
    suites=("smoke", "daily"),
    action="See which of the two is wrong: chronyc tracking",
)
def test_offset(offset, expect):
    """This machine's clock and the server's agree.

    Half of the way there and back is taken off, as SNTP does.

    Needs: UDP to its port, 123.

    Example:
        [ntp.pool]
        address = "pool.ntp.org"
        [ntp.pool.expect]
        offset = "< 50ms"
    """
    expect(offset, "s")


@check(drift, units=("",), suites=("daily",), action="See the drift that its daemon reckons with: chronyc tracking")
def test_drift(drift, expect):
    """The server's own clock does not drift much, in parts per million."""
    expect(drift, subject="drift")
