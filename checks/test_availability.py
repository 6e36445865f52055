from pytest_opscheck import availability, check


@check(
    availability.uptime,
    limit={"P3": ">= 99.5%", "P2": ">= 99%", "P1": ">= 98%"},
    units=("%",),
    most="100%",
    action="See what was wrong when: opscheck history {subject}",
)
def test_uptime(uptime, expect):
    """A check was ok in nearly all past runs.

    The share of the runs in `over` that found it ok, in whatever suites it ran, as far as the run history reaches back.
    Unknown and blocked results count as not ok: nothing was seen to be up. Maintenance, and what was waived, is left
    out. Fewer than 10 runs are unknown. It is a share of runs and not of time: what was down between two of them did
    not happen.

    Needs: runs of the check that is named in `of`, more often than its limit is strict: 99.5 % takes 200 of them.

    Example:
        [http.api]
        url = "https://api.example.com/health"
        expect = { status = "== 200" }

        [availability.api]
        of = "http.status@api"
        over = "30d"
        expect = { uptime = { P3 = ">= 99.5%", P2 = ">= 99%", P1 = ">= 98%" } }
    """
    expect(uptime.percent, "%", subject=uptime.of, note=uptime.said)
