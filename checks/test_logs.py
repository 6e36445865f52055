from pytest_opscheck import check, logs


@check(
    logs.count,
    units=("rate", ""),
    family=True,
    action="Read them: grep -E PATTERN PATH | tail",
)
def test_count(count, expect):
    """The log has as many lines of a kind as expected.

    With a rate (`<= 10/h`) the lines of the window up to now, by their own time stamps, also in files that the log was
    rotated into; a line without one, as in a traceback, belongs to the line before it. With a bare number all lines.
    """
    expect(count.lines, count.unit, subject=f"lines with /{count.pattern}/ in {count.path}")
