"""Hooks of the site, see mkdocs.yml: the README is its first page; of links into the repository the words are left."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_README = Path(__file__).parent.parent / "README.md"
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]*)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the first page."""
    home = _README.read_text(encoding="utf-8").replace('src="docs/', 'src="')
    files.append(File.generated(config, "index.md", content=_LINK.sub(_from_readme, home)))
    return files


def _from_readme(link: re.Match[str]) -> str:
    words, where = link.groups()
    if where.startswith("docs/"):
        return f"[{words}]({where.removeprefix('docs/')})"
    return link[0] if where.startswith("https:") else words


def on_page_markdown(markdown: str, page: Page, **_others: object) -> str:
    """Leave of a link to a file that is not a page its words."""
    folder = posixpath.dirname(page.file.src_uri)
    return _LINK.sub(lambda link: link[1] if _leads_out(posixpath.join(folder, link[2])) else link[0], markdown)


def _leads_out(path: str) -> bool:
    return posixpath.normpath(path).startswith("../")
