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

    By the lines' own time stamps, in files that the log was rotated into as well (app.log.1, app-20261127.log.gz,
    app.log.old): ISO 8601, syslog, nginx, Apache, ctime, 27.11.2026, 11/27/2026 with AM and PM, seconds since 1970 and
    the like, also several of them in one file. A stamp is at the beginning of a line, after a key, or after the same
    text as the first stamp; a date elsewhere does not count. A zone in the line is used, and if its abbreviation is
    ambiguous (CST, IST), `timezone` decides. For other formats set `stamp = "%d.%m. %H:%M"`. A line without a stamp, as
    in a traceback, belongs to the one before it. If some lines may or may not be in the window, the count is unknown if
    that makes a difference to the limit, and the message shows the first such line with its words removed: a stamp that
    is not understood, nothing stamped before the window's first, a file that was written to long after its newest
    stamp, older stamps behind newer ones.

    In a journal by the time at which a message arrived, of the unit or of systemd about it. Lines that were rotated
    away, even into another folder, or are no longer in the journal, can't be counted. A log that is no longer written
    to has no errors either: `pattern = "."` with `expect = ">= 1/h"` checks that it continues.

    `pattern` and `ignore` are extended regular expressions, as grep -E takes them: (a|b) and not (?:a|b), and
    [0-9] for a digit. Carriage returns at the ends of lines are left out.

    Needs: a user who can read the files (usually a member of group adm), or the journal (in group systemd-journal or
    adm).

    Example:
        [logs.nginx]
        path = ["/var/log/nginx/access.log", "/var/log/nginx/api.log"]
        [logs.nginx.count.denied]
        pattern = '" (401|403) '
        expect = "<= 10/h"
        [logs.bookings]
        path = "/srv/bookings/bookings.log"
        stamp = "%d.%m. %H:%M"
        [logs.bookings.count.failed]
        pattern = "booking failed"
        expect = "== 0/day"
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
