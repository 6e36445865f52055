"""Variables of the environment, and that no error shows what came from there or stands in a password field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.inventory.environment import Outside, expand
from pytest_opscheck.inventory.problems import InventoryError, Problems
from pytest_opscheck.inventory.written import Source, Written

from .conftest import Errors, Read

CANARY = "hunter2-Canary"


def filled(said: str, **environment: str) -> object:
    problems = Problems(Written(Source("opscheck.toml")))
    document = expand({"key": said}, Outside(environment, Path()), problems)
    problems.raise_any()
    return document["key"]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("${A}", "one"),
        ("x${A}y${A}", "xoneyone"),
        ("${A:-two}", "one"),
        ("${NONE:-two}", "two"),
        ("${NONE:-}", ""),
        ("${NONE:-redis://h:6379/0}", "redis://h:6379/0"),
        ("${EMPTY:-two}", "two"),
        ("${EMPTY:-}", ""),
        ("$${A}", "${A}"),
        ("$${", "${"),
        ("$$${A}", "$${A}"),
        ("$A $ {A}", "$A $ {A}"),
        ("${plain:A}", "one"),
        ("${plain:NONE:-two}", "two"),
        ("costs 5$", "costs 5$"),
        ("${NOT_A_SECOND_TIME}", "${A}"),
    ],
)
def test_variables(said: str, value: str) -> None:
    assert filled(said, A="one", EMPTY="", NOT_A_SECOND_TIME="${A}") == value


@given(st.text())
def test_text_without_variables_stays(text: str) -> None:
    assert filled(text.replace("$", "")) == text.replace("$", "")


FORMS = "write ${NAME}, ${NAME:-default}, ${plain:NAME} or ${file:PATH}, or $${ for the text itself"
FORM = f"'${{' without a name and '}}'; {FORMS}"
PREFIX = f"before a variable's name and ':' only 'plain' can stand, and 'file' before a path; {FORMS}"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("${A}", "the environment variable A is not set; set it, or write ${A:-default}"),
        ("${EMPTY}", "the environment variable EMPTY is empty; set it, or write ${EMPTY:-default}"),
        ("${A", FORM),
        ("${}", FORM),
        ("${A-b}", FORM),
        ("${A:b}", PREFIX),
        ("${A:=b}", FORM),
        ("${A:?b}", FORM),
        ("${file:A}", "there is no file A; write the secret into it, or write ${file:A:-default}"),
        ("${plain:}", FORM),
        ("${plain:NONE}", "the environment variable NONE is not set; set it, or write ${plain:NONE:-default}"),
        ("${1A}", FORM),
        ("${A B}", FORM),
    ],
)
def test_errors_name_the_key(said: str, message: str) -> None:
    with pytest.raises(InventoryError) as caught:
        filled(said, EMPTY="")
    assert str(caught.value) == f"opscheck.toml:1: key: {message}"


@pytest.mark.parametrize(
    "toml",
    [
        "[postgres.a]\ndsn = '${A}'",
        "[redis.a]\nurl = '${A}'",
        "[http.a]\nurl = 'https://${A}/'",
        "[host.a]\nconnect = 'ssh://${A}'",
        "[host.a.expect]\nservices = ['nginx', '${A}']",
        "[host.a.expect]\ndisk = '< ${A}%'",
        "[host.a.expect]\ndisk = { P3 = '< ${A}%', P1 = '< 90%' }",
        "[host.a.expect]\ndisk = { suites = ['${A}'] }",
        "[host.a.command.x]\nrun = '${A}'",
        "[opscheck]\ntimezone = '${A}'\n[host.a]",
    ],
)
def test_an_unset_variable_is_all_that_is_said_of_its_key(errors: Errors, toml: str) -> None:
    """What its empty value would break as well has the same cause."""
    [found] = errors(toml.encode())
    assert found.endswith("the environment variable A is not set; set it, or write ${A:-default}")


def test_a_variable_of_scheduled_runs_is_told_where_it_is(errors: Errors, tmp_path: Path) -> None:
    """Who runs pytest by hand has it in `opscheck.env`, and nobody has read that."""
    (tmp_path / "opscheck.env").write_text("DSN_2='x'\nexport DSN='secret-4711'\n", encoding="utf-8")
    by_hand = "it is in opscheck.env, which scheduled runs read: set -a; . ./opscheck.env; set +a, or write"
    [found] = errors("[redis.a]\nurl = '${DSN}'\n")
    assert by_hand in found
    assert "4711" not in found
    [found] = errors("[redis.a]\nurl = '${DSN_22}'\n")
    assert "is not set; set it, or write" in found


def test_an_unset_variable_hides_no_other_error(errors: Errors) -> None:
    found = errors("[host.a]\nconnect = '${A}${B}'\ndisk = 1\n[host.a.expect]\nports = ['${A}']\nservices = []\n")
    assert [error.split(": ")[1] for error in found] == [
        "host.a.connect",
        "host.a.connect",
        "host.a.disk",
        "host.a.expect.ports[0]",
        "host.a.expect.services",
    ]


def test_everywhere_in_the_file(read: Read) -> None:
    inventory = read(
        """
        [opscheck]
        name = "${NAME}"
        [host.a.expect]
        disk = { P3 = "< ${DISK}%", ignore = ["${BOOT}"] }
        ports = ["${PORT}"]
        """,
        {"NAME": "prod-eu", "DISK": "60", "BOOT": "/boot/efi", "PORT": "8443"},
    )
    [disk], [ports] = inventory.of_check("host.disk"), inventory.of_check("host.ports")
    assert inventory.name == "prod-eu"
    assert (str(disk.limits), disk.params["ignore"]) == ("P3 < 60%", ("/boot/efi",))
    assert ports.params["numbers"] == ("tcp/8443",)


def test_what_the_redactor_knows(read: Read) -> None:
    """Passwords by their place, be they from the environment or the file; not hosts, and not what names things here."""
    inventory = read(
        """
        [host.prod]
        connect = "ssh://${USER_NAME}:s3cr-et@h.example"
        [redis.cache]
        url = "${REDIS_URL}"
        [redis.other]
        url = "redis://:lit%2Feral@h"
        [redis.plain]
        url = "redis://${REDIS_HOST}:6379/0"
        """,
        {"REDIS_URL": "redis://:pass%40word@h.example:1/0", "USER_NAME": "prod", "REDIS_HOST": "cache.example"},
    )
    clean = inventory.redactor.text
    assert clean("at redis://:pass%40word@h.example:1/0") == "at redis://:***@h.example:1/0"
    assert clean("pass%40word or pass@word, s3cr-et and lit/eral") == "*** or ***, *** and ***"
    text = "host.disk@prod at h.example and redis://cache.example:6379/0"
    assert clean(text) == text


@pytest.mark.parametrize(
    ("key", "said", "value", "is_secret"),
    [
        ("url", "https://${V}/health", "api.example.com", False),
        ("run", "check --env ${V}", "production", False),
        ("run", "check --key ${API_KEY}", "open-sesame", True),
        ("run", "check --key ${plain:API_KEY}", "open-sesame", False),
        ("run", "check ${V}", "wJalrXUtnFEMI/K7MDENG", True),
        ("run", "check ${plain:V}", "wJalrXUtnFEMI/K7MDENG", False),
        ("run", "check ${DB_PASSWORD:-open-sesame}", None, True),
        ("password", "open-sesame", None, True),
        ("password", "${plain:V}", "open-sesame", True),
        ("url", "redis://:${plain:V}@h", "open-sesame", True),
        ("token", "== ${V}", "open-sesame", True),
        ("url", "${TOKEN_URL}", "https://auth.example.com/token", False),
        ("private_key", "${V}", "/etc/ssl/key.pem", False),
        ("cookie", "theme=darkness; session=${V}", "open-sesame", True),
        ("Authorization", "Bearer ${V}", "open-sesame", True),
    ],
)
def test_what_makes_a_value_secret(key: str, said: str, value: str | None, *, is_secret: bool) -> None:
    """Its place, the name of its variable, or its shape; `plain:` says that the last two are wrong."""
    problems = Problems(Written(Source("opscheck.toml")))
    name = "".join(re.findall(r"\$\{(?:plain:)?([A-Z_]+)", said))
    expand({key: said}, Outside({name: value} if value else {}, Path()), problems)
    shown = f"Bearer of {value or 'open-sesame'}"
    assert problems.redactor().text(shown) == (shown.replace(value or "open-sesame", "***") if is_secret else shown)


@pytest.mark.parametrize(
    "toml",
    [
        "[host.a]\nconnect = '${S}'",
        "[host.a]\nconnect = '${S}://x'",
        "[host.a]\nconnect = 'shh://u:${S}@x'",
        f"[host.a]\nconnect = 'shh://u:{CANARY}@x'",
        f"[host.a]\nconnect = 'u:{CANARY}@x'",
        "[host.a]\nconect = '${S}'",
        "[host.a.expect]\ndisk = '${S}'",
        "[host.a.expect]\ndisk = '< ${S}%'",
        "[host.a.expect]\ndisk = { P1 = '~ [${S}' }",
        "[host.a.expect]\ndisk = { during = '${S}', P1 = '< 7%' }",
        "[host.a.expect]\ndisk = { suites = ['${S}'] }",
        "[host.a.expect]\ndisk = { severity = '${S}' }",
        "[host.a.expect]\ndisk = { timeout = '${S}' }",
        "[host.a.expect]\ndisk = { limit = ['${S}'] }",
        "[host.a.expect]\nports = ['${S}']",
        "[host.a.expect]\nservices = '${S}'",
        "[host.a.command.x]\nrun = 'x'\nexit = '${S}'\nvalue = '< ${S}'",
        "[opscheck]\ntimezone = '${S}'\n[host.a]",
        "[opscheck]\nseverities = { x = '${S}' }\n[host.a]",
        "[suites.x]\nfail_at = '${S}'\n[host.a]",
        "[redis.a]\nurl = ['${S}']",
        "[http.a]\nurl = 'http://x'\nmethod = '${S}'",
        f"[redis.a]\nurl = 5\npassword = '{CANARY}'",
        f"[redis.a]\nurl = {{ token = '{CANARY}' }}",
        f"[redis.a]\nurl = '${{S-{CANARY}}}'",
        f"[redis.a]\nurl = '${{S:{CANARY}}}'",
        f"[redis.a]\nurl = '${{NONE:-{CANARY}}}'\nzzz = 1",
        f"[redis.a]\nurl = '${{{CANARY}'",
    ],
)
def test_no_error_shows_a_secret(errors: Errors, toml: str) -> None:
    """Neither whole, nor the word in it that a message would quote alone."""
    found = "\n".join(errors(toml.encode(), {"S": f"{CANARY}:part2"}))
    assert found
    for part in ("hunter2", "Canary", "part2"):
        assert part not in found
