"""Reads `${file:PATH}`: a secret out of a file, as Docker, Kubernetes and systemd hand them over."""

from __future__ import annotations

import stat
from pathlib import Path

from ..files.reading import content

LONGEST = 64_000
"""Bytes of a secret: a private key has some thousands."""


class SecretFileError(Exception):
    """A file of which no secret can be read; the message says which one, why, and what to do."""


def secret_of(path: Path) -> str | None:
    """Return what a file holds, without the newline at its end; None where there is no such file.

    Raises SecretFileError.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise SecretFileError(f"{path} is not a file; name the file that holds the secret")
        found = content(path, LONGEST)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise SecretFileError(f"{path} {_why(error)}") from None
    return _text(path, found)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "can't be read: permission denied; let whoever runs this read it"
    if isinstance(error, OSError) and error.filename and error.strerror and "more than" in error.strerror:
        return f"has more than {LONGEST} bytes; name the file that holds the secret alone"
    return f"can't be read: {getattr(error, 'strerror', None) or error}"


def _text(path: Path, found: bytes) -> str:
    try:
        text = found.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretFileError(f"{path} is not UTF-8; save the secret as text") from None
    if "\0" in text:
        raise SecretFileError(f"{path} has a NUL character; save the secret as text")
    if not text.strip():
        raise SecretFileError(f"{path} is empty; write the secret into it")
    return text
