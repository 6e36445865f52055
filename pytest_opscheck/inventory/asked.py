"""Whether lists that others own are asked for now, or whether what is known of them will do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model import Inventory

FILE = "lists.json"
"""What a run tells its other processes of the lists that it has read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How an inventory gets the items of its lists. A file of this machine is always read.

    asks: whether commands are run and servers are asked; else the last known items are those of a list.
    keeps: whether the items are kept, as the last known ones: a run does that, once.
    told_in: the folder in which another process of the same run tells what it has found.
    """

    asks: bool = False
    keeps: bool = False
    told_in: Path | None = None

    def given(self) -> dict[str, Any] | None:
        """Return what another process of the same run has found; None where there is none."""
        if self.told_in is None:
            return None
        try:
            found: dict[str, Any] = json.loads((self.told_in / FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # of a run on another machine, which is refused in a moment
            return None
        return found


OFFLINE = Asked()
AS_A_RUN = Asked(asks=True, keeps=True)


def tell(inventory: Inventory, folder: Path) -> None:
    """Tell the other processes of a run, in a folder that this user alone can read, what its lists were."""
    file = folder / FILE
    if inventory.lists and not file.exists():
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps({each.name: each.told for each in inventory.lists}), encoding="utf-8")
        draft.rename(file)
