from pytest_opscheck import check, source


@check(
    source.complete,
    limit={"P0": "== complete"},
    suites=("*",),
    action="Ask who owns the list, or lower at_least where it is meant to be shorter",
)
def test_complete(complete, expect):
    """A list that others own has at least as many items as it should.

    Each item that `where` chooses counts. A list that can't be read, or has no items, is an error of the inventory.

    Needs: nothing; its list is read with the inventory.

    Example:
        [source.fleet]
        file = "sd/*.json"
        format = "prometheus"
        kind = "tcp"
        name = "{instance}"
        address = "{__address__}"
        at_least = 2
    """
    expect(complete.items, limit={"P0": f">= {complete.at_least}"}, subject="items")
