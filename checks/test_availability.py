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

    The share of runs within `over` in which it was ok, in any suite, as far back as the history reaches. Unknown and
    blocked results count as not ok: nothing was seen to be up. Maintenance and waived results are left out. Fewer than
    10 runs are unknown. It is a share of runs, not of time: downtime between two runs is not seen.

    Needs: enough runs of the check named in `of` for the limit: 99.5 % takes 200 of them.

    Example:
        [http.api]
        url = "https://api.example.com/health"
        expect = { status = "== 200" }

        [availability.api]
        of = "http.status@api"
        over = "30d"
        expect = { uptime = { P3 = ">= 99.5%", P2 = ">= 99%", P1 = ">= 98%" } }
    """
    expect(uptime.percent, "%", subject=uptime.of, note=uptime.breakdown)
