"""Keys for the SSH server of a stack's machine and for its client, so that each knows the other from the start."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

CONFIG = """\
Host {name}
    HostName 127.0.0.1
    Port {port}
    User ops
    IdentityFile {folder}/key
    IdentitiesOnly yes
    StrictHostKeyChecking yes
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile /dev/null
"""


def configure(folder: Path, name: str, port: int) -> None:
    """Write `config` for `ssh -F`, in which the machine has a name, and what the two sides need: keys, known hosts."""
    folder.mkdir(parents=True)
    _key(folder / "key")
    known = _key(folder / "host_key")
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {known}\n", encoding="utf-8")
    (folder / "config").write_text(CONFIG.format(name=name, port=port, folder=folder), encoding="utf-8")


def _key(file: Path) -> str:
    """Write a new key, which only its owner may read, and its public half beside it; return that."""
    key = Ed25519PrivateKey.generate()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as private:
        private.write(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    file.with_suffix(".pub").write_text(f"{public}\n", encoding="utf-8")
    return public
