"""The `opscheck` command."""

from __future__ import annotations

from ..starting import take


def main() -> None:
    """Be the command: it can be ended from here on, while it imports the rest."""
    take()
    from .command import main as command

    command()
