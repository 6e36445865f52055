from pytest_opscheck import check, source


@check(
    source.reachable,
    limit="== a list",
    severity="P1",
    suites=("*",),
    action="Ask who owns the list; until it can be read again, its last known items are checked",
)
def test_reachable(reachable, expect):
    """A list that others own can be read, and has items.

    Where it can't be read, is not in its format, or has no items that `where` chooses, this is unknown and the items
    that the last run found are checked. Where no run has found any, it is an error of the inventory.

    Needs: a list of items.

    Example:
        [source.fleet]
        file = "sd/*.json"
        format = "prometheus"
        kind = "tcp"
        name = "{instance}"
        address = "{__address__}"
        at_least = 1
    """
    expect(reachable)


@check(
    source.complete,
    limit={"P0": "== complete"},
    suites=("*",),
    action="Ask who owns the list; what is meant to be gone: opscheck source accept {target} NAME --why REASON",
)
def test_complete(complete, expect):
    """A list that others own is as long as it should be, and nothing has vanished from it.

    Fewer items than `at_least` are a breach of P0. An item that an earlier run found and that is no longer there is a
    breach of the severity that `gone` says, P1 by default, in every run until it is back or somebody has accepted it.

    Needs: the reports folder of the last run, in which the last known items are.

    Example:
        [source.fleet]
        file = "sd/*.json"
        format = "prometheus"
        kind = "tcp"
        name = "{instance}"
        address = "{__address__}"
        at_least = 1
        gone = "P2"
    """
    expect(complete.count, limit={"P0": f">= {complete.at_least}"}, subject="items")
    for name, since in complete.gone.items():
        expect("gone", limit={complete.severity: "== there"}, subject=name, note=f"since {since}")
