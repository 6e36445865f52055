"""`make demo`: the demo as `opscheck demo` shows it, with make's own way to ask for a fault."""

from __future__ import annotations

import sys

from pytest_opscheck import demo

if __name__ == "__main__":
    names = sys.argv[1:]
    sys.exit(demo.for_make(names, demo.run(names, again="make demo BREAK={}")))
