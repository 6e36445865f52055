from pytest_opscheck import check, logs


@check(
    logs.count,
    units=("rate", ""),
    family=True,
    action="Read them: grep -E PATTERN PATH | tail; journalctl -u UNIT -g PATTERN",
)
def test_count(count, expect):
    """The log has as many lines of a kind as expected.

    With a rate (`<= 10/h`) the lines of the window up to now; with `since = "30m"` those of the last 30 minutes, with
    `since = "today"` those since the last midnight in the inventory's time zone; with a bare number alone all lines.

    By the lines' own time stamps (ISO 8601, also as in Python's logging, syslog, nginx, Apache, ctime, seconds since
    1970), also in files that the log was rotated into. A line without one, as in a traceback, belongs to the one before
    it. In a journal by the time at which a message arrived, of the unit or of systemd about it. What was rotated away,
    or is not in the journal any more, can't be counted. A log into which nothing is written any more has no errors
    either: `pattern = "."` with `expect = ">= 1/h"` says that it has to go on.

    Needs: a user who may read the files (mostly those in group adm), or the journal (in group systemd-journal or adm).

    Example:
        [logs.nginx]
        path = ["/var/log/nginx/access.log", "/var/log/nginx/api.log"]
        [logs.nginx.count.denied]
        pattern = '" (401|403) '
        expect = "<= 10/h"
        [logs.orchestrator]
        journal = "app-orchestrator"
        [logs.orchestrator.count.errors]
        pattern = "error"
        ignore_case = true
        since = "30m"
        expect = 0
    """
    about = f"lines with /{count.pattern}/ in {count.log}"
    expect(count.least, count.unit, subject=about, most=count.most, why=count.doubt)
