"""The anchors of a Markdown page, as GitHub makes them."""

from __future__ import annotations

import pytest

from pytest_opscheck.runbook.headings import anchors, same, slug


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Restart services", "restart-services"),
        ("8. Restart services", "8-restart-services"),
        ("Disk: /var & /srv (full)", "disk-var--srv-full"),
        ("What's wrong?", "whats-wrong"),
        ("snake_case and `code_span`", "snake_case-and-code_span"),
        ("_Stressed_ and **bold** and `_kept_`", "stressed-and-bold-and-_kept_"),
        ("A [link](https://example.com/a#b) here", "a-link-here"),
        ("![logo](x.png) Title", "title"),
        ("Überlast — 日本語", "überlast--日本語"),
        ("🚀 Deploy", "-deploy"),
        (":rocket: Deploy", "rocket-deploy"),
        ("R&amp;D <br> now", "rd--now"),
        ("P0 / P1", "p0--p1"),
        ("closed ##", "closed"),
        ("C#", "c"),
    ],
)
def test_a_heading(heading: str, anchor: str) -> None:
    assert anchors(f"text\n\n## {heading}\n") == {anchor}


def test_what_is_a_heading_and_what_is_not() -> None:
    page = """---
title: not a heading
---
# Top

Set with
a line below
============

Also
---

* * *

```sh
# not a heading
``
# nor this
```
~~~
# nor this
~~~
    # nor indented code
<!-- # nor a
## comment -->
> ## Quoted

- ## Listed
1. text
   ```
   # code in a list
   ```
#hashtag
####### seven
| a | b |
|---|---|
## Top
## Top
## Top-1
<h2>Raw HTML</h2>
<a id="own-id"></a><a name=named></a>
## With its own {#chosen}
"""
    assert anchors(page) == {
        *("top", "set-with-a-line-below", "also", "quoted", "listed", "top-1", "top-2", "top-1-1", "raw-html"),
        *("own-id", "named", "chosen", "with-its-own-chosen"),
    }


def test_lines_of_windows() -> None:
    assert anchors("# One\r\n\r\nTwo\r\n---\r\n") == {"one", "two"}


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("5 m² of ½", "5-m-of-"),  # superscripts and fractions are no digits
        ("Part Ⅷ and Ⓐ", "part-ⅷ-and-ⓐ"),  # letters, for all that they look like
        ("٣ days", "٣-days"),
        ("See [the page][ref] and [that](x)", "see-the-page-and-that"),
        ("⚠️ Disk", "\ufe0f-disk"),
    ],
)
def test_what_github_takes_for_letters_and_digits(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


def test_an_invisible_selector_makes_no_difference() -> None:
    assert same("\ufe0f-disk") == same("-disk") == "-disk"
