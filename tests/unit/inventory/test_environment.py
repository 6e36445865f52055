"""Variables of the environment, and that no error shows what came from there or stands in a password field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.inventory.environment import expand
from pytest_opscheck.inventory.problems import InventoryError, Problems

from .conftest import Errors, Read

CANARY = "hunter2-Canary"


def filled(said: str, **environment: str) -> object:
    problems = Problems("opscheck.toml")
    document = expand({"key": said}, environment, problems)
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
        ("costs 5$", "costs 5$"),
        ("${NOT_A_SECOND_TIME}", "${A}"),
    ],
)
def test_variables(said: str, value: str) -> None:
    assert filled(said, A="one", EMPTY="", NOT_A_SECOND_TIME="${A}") == value


@given(st.text())
def test_text_without_variables_stays(text: str) -> None:
    assert filled(text.replace("$", "")) == text.replace("$", "")


FORM = "'${' without a name and '}'; write ${NAME} or ${NAME:-default}, or $${ for the text itself"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("${A}", "the environment variable A is not set; set it, or write ${A:-default}"),
        ("${EMPTY}", "the environment variable EMPTY is empty; set it, or write ${EMPTY:-default}"),
        ("${A", FORM),
        ("${}", FORM),
        ("${A-b}", FORM),
        ("${A:b}", FORM),
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
    """Values of the environment whole and their passwords; passwords of the file; not what names things here."""
    inventory = read(
        """
        [host.prod]
        connect = "ssh://${USER_NAME}:s3cr-et@h"
        [redis.cache]
        url = "${REDIS_URL}"
        [redis.other]
        url = "redis://:lit%2Feral@h"
        [redis.plain]
        url = "redis://localhost:6379/0"
        """,
        {"REDIS_URL": "redis://:pass%40word@h:1/0", "USER_NAME": "prod"},
    )
    clean = inventory.redactor.text
    assert clean("at redis://:pass%40word@h:1/0") == "at ***"
    assert clean("pass%40word or pass@word, s3cr-et and lit/eral") == "*** or ***, *** and ***"
    assert clean("host.disk@prod and redis://localhost:6379/0") == "host.disk@prod and redis://localhost:6379/0"


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
