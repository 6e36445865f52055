"""Text as somebody would send it who wants to be more than text, and a run that has it wherever text can stand."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st

from pytest_opscheck.core.results import Change, Excuse, Run, State, Verdict
from pytest_opscheck.reports.context import Failed, ReportContext

from .reports import values

PIECES = [
    *(
        "<script>ran = 1</script>",
        "<img src=x onerror='ran = 1'>",
        '"><svg onload=ran=1>',
        "' onmouseover='ran=1",
        "-->",
    ),
    *(
        "]]>",
        "<![CDATA[",
        "&lt;",
        "&#x3c;",
        "</title>",
        "</style>",
        "</pre>",
        "<!--",
        "{{7*7}}",
        "{% raw %}",
        "javascript:ran=1",
    ),
    *(
        "[a](javascript:ran=1)",
        "![i](http://evil.example/x)",
        "<http://evil.example>",
        "`",
        "``` ",
        "|",
        "**",
        "__",
        "# h",
    ),
    *(
        "\n# h",
        "\n- item",
        "\n1. one",
        "\n> q",
        "\n\n",
        "\r\n\r\n",
        "\r",
        "\nBcc: evil@example.com",
        "\r\nSubject: evil",
    ),
    *(
        "\x1b[31m",
        "\x1b]8;;http://evil.example\x07l\x1b]8;;\x07",
        "\x1b]52;c;ZXZpbA==\x07",
        "\x9b2J",
        "\x07",
        "\x08",
        "\x7f",
    ),
    *(
        "\u2028",
        "\u2029",
        "\x85",
        "\x0b",
        "\x0c",
        "\x1c",
        "\u202e",
        "\u2066",
        "\u200b",
        "\ufeff",
        "\u3164",
        "\x00",
        "\udc80",
    ),
    *(
        "=1+1",
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "\uff1d1",
        ",",
        ";",
        '"',
        "'",
        "\\",
        "$(touch ran)",
        "`touch ran`",
        "${HOME}",
        "%n",
        "%%",
    ),
    *("\nopscheck_x 1\n", '"} 1\n', "# EOF", "\nExecStart=/bin/false", "\n* * * * * touch ran", "a" * 120, "é", "x_y"),
    *(
        "<!channel>",
        "@everyone",
        "http://evil.example/?a=1&b=2",
        "\U000e0041",
        "\ue000",
        "  two  blanks  ",
        "</details>",
    ),
]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), min_size=1, max_size=4).map("".join)
several = st.lists(texts, min_size=3, max_size=12)


def steers(text: str) -> list[str]:
    """Return what of a text would steer a terminal or turn its reading direction; ends of lines are looked at apart."""
    return [
        each for each in text if each != "\n" and unicodedata.category(each) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    ]


def read(text: str) -> str:
    """Return a text without blanks, to compare what was told with what is shown."""
    return re.sub(r"\s+", "", text)


def maker(said: list[str]) -> Callable[[], str]:
    """Return what gives one of some texts after the other, each another one."""
    found, numbers = itertools.cycle(said), itertools.count()
    return lambda: f"{next(found)}z{next(numbers)}"


def nasty_run(text: Callable[[], str]) -> tuple[Run, ReportContext]:
    """Return a run that has a new text wherever one of an inventory or a target can stand, and what is beside it."""
    earlier = values.STARTED - dt.timedelta(hours=3)

    def measurement(**fields: object) -> object:
        return values.measurement(**{"subject": text(), "observed": text(), "expected": text()} | fields)

    def named() -> dict[str, object]:
        said = {name: text() for name in ("id", "check", "target", "title", "message", "runbook", "action")}
        said["runbook"] = said["runbook"].replace("http://", "ftp://")  # what is an address on the web is a link
        return {**said, "covers": (text(),)}

    quiet = Excuse(Verdict.BREACH, text(), text(), until="2026-12-01", who=text(), ticket=text())
    problem = measurement(breached=None, problem=text(), observed="")
    results = (
        values.result(**named(), measurements=(measurement(), problem), change=Change(State.NEW, earlier)),
        values.result(**named(), measurements=(measurement(value=text()),), change=Change(State.ONGOING, earlier)),
        values.result(**{**named(), "pending": text()}, measurements=(measurement(),), fails=False),
        values.result(**named(), measurements=()),
        values.unknown(**named(), change=Change(State.NEW, earlier)),
        values.blocked(**{**named(), "blocked_by": text()}),
        values.ok(**named(), measurements=(measurement(breached=None),), change=Change(State.RECOVERED, earlier)),
        values.ok(**named(), measurements=(measurement(breached=None),)),
        values.result(**named(), measurements=(measurement(),), verdict=Verdict.WAIVED, fails=False, quiet=quiet),
        values.result(**named(), measurements=(measurement(),), verdict=Verdict.MAINTENANCE, fails=False, quiet=quiet),
    )
    run = replace(values.run(*results), inventory=text(), vantage=text(), id=text(), version=text(), notices=(text(),))
    beside = ReportContext(
        uncovered=[text()], problems=[text()], failed=[Failed(text(), text())], traces={results[0].id: f"a\n  {text()}"}
    )
    return run, beside


def harmless_run() -> tuple[Run, ReportContext]:
    """Return the same run with words in the place of the texts: what is told of it has the same form."""
    return nasty_run(maker(["word"]))
