"""What people write instead of TOML: the error says what is wrong in their words, and shows no value."""

from __future__ import annotations

import pytest

from pytest_opscheck.inventory.document import parse
from pytest_opscheck.inventory.problems import InventoryError

IS_TOML = (
    "and an inventory is TOML: [host.local] begins a target, and a key is followed by '='; `opscheck init` writes one"
)
BACKSLASH = "in double quotes a backslash is written twice; or use single quotes: 'C:\\backups'"
BRACES = "a table in braces stands on one line; a longer one has a header of its own, as [host.local.expect]"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("host:\n  local:\n    url: canary\n", f" this is YAML, {IS_TOML}"),
        ("# mine\n\nopscheck:\n  name: canary\n", f" this is YAML, {IS_TOML}"),
        ("---\nhost:\n", f" this is YAML, {IS_TOML}"),
        ("- host: canary\n", f" this is YAML, {IS_TOML}"),
        ('{"host": {"canary": {}}}', f" this is JSON, {IS_TOML}"),
        ('[{"canary": {}}]', f" this is JSON, {IS_TOML}"),
        ('[http.a]\nurl = "canary\n', '2: url: the closing " is missing'),
        ('[http.a]\nurl = canary"\n', '2: url: the closing " is missing'),
        ("[http.a]\nurl = 'canary\n", "2: the closing ' is missing"),
        ('[host.a.expect]\ndisk = { P3 = "canary", }\n', "2: disk: remove the comma before '}'"),
        ('[backup.a]\npath = "C:\\canary\\d"\n', f"2: path: {BACKSLASH}"),
        ('[backup.a]\npath = "C:\\canary\\"\n', f"2: path: {BACKSLASH}"),
        ("[http.a]\nurl = “canary”\n", "2: url: typographic quotes; use straight ones: \" or '"),
        ("[http.a]\nurl: 'canary'\n", "2: a key is followed by '=', not by ':'"),
        ("[host.a.expect]\ndisk = False\n", "2: disk: write true or false"),
        ("[host.a.expect]\ndisk = null\n", "2: disk: there is no empty value; leave the key out"),
        ("[host.a]\nconnect =  # canary\n", "2: connect: a value is missing after '='"),
        ("[host.web 01]\n", "1: host.web 01: a name has letters, digits, '_' and '-'"),
        ("[host.a]\nexpect = {\n disk = 'canary'\n}\n", f"2: expect: {BRACES}"),
        (
            "[host.a.expect]\nservices = ['canary'\n[host.b]\n",
            "3: host.b: the list before this line is not closed: a ']' is missing",
        ),
    ],
)
def test_an_error_says_what_is_wrong_in_the_words_of_who_wrote_it(text: str, error: str) -> None:
    with pytest.raises(InventoryError) as caught:
        parse(text, "opscheck.toml")
    assert str(caught.value) == f"opscheck.toml:{error}"
