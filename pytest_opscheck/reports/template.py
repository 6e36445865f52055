"""Makes HTML of the templates beside this: whatever stands in them is escaped, and nothing in it is unseen."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.visible import plain, visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FOLDER = Path(__file__).with_name("templates")


def rendered(template: str, styles: tuple[str, ...], script: str, **values: Any) -> str:
    """Return the page that a template makes; `styles` and `script` are the files that it carries, if any."""
    carried = _carried(script) if script else ""
    digest = base64.b64encode(hashlib.sha256(carried.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    own = {"policy": policy, "style": "".join(map(_carried, styles)), "script": carried}
    return _environment().get_template(template).render(values, **{name: markup(text) for name, text in own.items()})


def parts(template: str) -> Any:
    """Return the macros of a template, as functions that return HTML."""
    return _environment().get_template(template).module


@cache
def _environment() -> Environment:
    """Return what makes HTML. Jinja2 is imported here: a run that writes no page is not to wait for it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def markup(html: str) -> Markup:
    """Return HTML of our own as what a template does not escape again."""
    from markupsafe import Markup

    return Markup(html)  # noqa: S704 - only what this package has made is given to it


def kept_lines(text: str) -> Markup:
    """Return text as HTML for an element that keeps its lines and blanks."""
    from markupsafe import escape

    return escape(visible(text))


def _carried(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    """Return what a template shows in the place of a value: text in one line, in which everything can be seen."""
    return value if hasattr(value, "__html__") else plain(str(value))
