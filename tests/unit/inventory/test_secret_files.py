"""`${file:PATH}` reads a secret out of a file, and says what is wrong with one that has none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .conftest import Errors, Read

INVENTORY = '[postgres.main]\ndsn = "${file:secrets/dsn}"\n'
DSN = "postgresql://shop:hunter2-Canary@db.example.com/shop"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    return tmp_path / "secrets"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n"])
def test_what_is_in_a_file_is_a_secret(secrets: Path, read: Read, ending: str) -> None:
    (secrets / "dsn").write_text(DSN + ending, encoding="utf-8", newline="")
    (secrets / "password").write_text(f"open sesame{ending}", encoding="utf-8", newline="")
    (secrets / "linked").symlink_to("password")  # as Kubernetes has them
    more = '[redis.cache]\nurl = "redis://:${file:secrets/linked}@cache"\n'
    commands = f'[host.x.command.y]\nrun = "check ${{file:{secrets}/password}}"\n'
    inventory = read(INVENTORY + more + commands)
    assert inventory.targets[0].keys.dsn.get_secret_value() == DSN  # type: ignore[attr-defined]
    told = inventory.redactor.text("hunter2-Canary, open sesame, at db.example.com")
    assert told == "***, ***, at db.example.com"


def test_a_file_that_is_not_there_may_have_a_default(secrets: Path, read: Read, errors: Errors) -> None:
    assert read(INVENTORY.replace("dsn}", f"dsn:-{DSN}}}")).targets
    (said,) = errors(INVENTORY)
    assert said == (
        f"2: postgres.main.dsn: there is no file {secrets / 'dsn'}; write the secret into it, "
        "or write ${file:secrets/dsn:-default}"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty; write the secret into it"),
        (b" \n", "is empty; write the secret into it"),
        (b"hunter2\xff", "is not UTF-8; save the secret as text"),
        (b"hunter2\0", "has a NUL character; save the secret as text"),
        (b"x" * 64_001, "has more than 64000 bytes; name the file that holds the secret alone"),
        ("folder", "is not a file; name the file that holds the secret"),
        ("pipe", "is not a file; name the file that holds the secret"),
        ("loop", "can't be read: Too many levels of symbolic links"),
    ],
)
def test_what_is_wrong_with_a_file(secrets: Path, errors: Errors, content: bytes | str, said: str) -> None:
    file = secrets / "dsn"
    match content:
        case bytes():
            file.write_bytes(content)
        case "folder":
            file.mkdir()
        case "pipe":  # which nobody writes to: it is not waited for
            os.mkfifo(file)
        case _:
            file.symlink_to("dsn")
    assert errors(INVENTORY.replace("dsn}", f"dsn:-{DSN}}}")) == [f"2: postgres.main.dsn: {file} {said}"]


@pytest.mark.parametrize("said", ["${file:}", "${file: }", "${file:a:b}", "${file:x"])
def test_what_names_no_file(errors: Errors, said: str) -> None:
    (error,) = errors(INVENTORY.replace("${file:secrets/dsn}", said))
    assert error.startswith("2: postgres.main.dsn: '${' without a name and '}'; write ${NAME}")
