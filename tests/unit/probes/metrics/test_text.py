"""Pages of metrics: what Prometheus's own parser takes is read as it reads it, and half a page is none."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from pytest_opscheck.probes.metrics._store import Store

TEXT, OPEN = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0; charset=utf-8"
Samples = list[tuple[str, dict[str, str], float, float | None]]


def stored(page: bytes, content_type: str = TEXT, piece: int = 1 << 16) -> Store:
    """Return a page as it is stored when it comes in pieces."""
    store = Store()
    store.start({"content-type": content_type})
    for start in range(0, len(page), piece):
        if not store.feed(page[start : start + piece]):
            break
    store.finish()
    return store


def samples(store: Store) -> Samples:
    return [(line.name, line.parsed(), line.value(), line.stamp) for name in store.names for line in store.lines(name)]


TAKEN: dict[str, Samples] = {
    "a 1\n": [("a", {}, 1, None)],
    "a\t1\n": [("a", {}, 1, None)],
    "a  1  1700000000500  \n": [("a", {}, 1, 1700000000.5)],
    'a { b = "1" , } 1\n': [("a", {"b": "1"}, 1, None)],
    'a{b="1" c="2"} 1\n': [("a", {"b": "1", "c": "2"}, 1, None)],
    'a{b="1"}1\n': [("a", {"b": "1"}, 1, None)],
    "a-1\nb+Inf\n": [("a", {}, -1, None), ("b", {}, float("inf"), None)],
    "a{} 1\n": [("a", {}, 1, None)],
    'a{b=""} 1\n': [("a", {}, 1, None)],
    'a{b="}#{ ,="} 1\n': [("a", {"b": "}#{ ,="}, 1, None)],
    'a{b="x\ny"} 1\n': [("a", {"b": "x\ny"}, 1, None)],
    r'a{b="C:\dir\"\\\n"} 1' + "\n": [("a", {"b": 'C:\\dir"\\\n'}, 1, None)],
    'a{b="\x00"} 1\n': [("a", {"b": "\x00"}, 1, None)],
    'a{b="Größe"} 1\n': [("a", {"b": "Größe"}, 1, None)],
    "a:b:rate5m 1\n": [("a:b:rate5m", {}, 1, None)],
    '{"a.b"} 1\n{ "a.c", "d.e"="f" } 2\n{g="h","a.d"} 3\n': [
        ("a.b", {}, 1, None),
        ("a.c", {"d.e": "f"}, 2, None),
        ("a.d", {"g": "h"}, 3, None),
    ],
    "a .5\nb 5.\nc +1e3\nd -0\ne 1E-2\n": [
        ("a", {}, 0.5, None),
        ("b", {}, 5, None),
        ("c", {}, 1000, None),
        ("d", {}, 0, None),
        ("e", {}, 0.01, None),
    ],
    "a Inf\nb +inf\nc -INFINITY\n": [
        ("a", {}, float("inf"), None),
        ("b", {}, float("inf"), None),
        ("c", {}, float("-inf"), None),
    ],
    "# TYPE a counter\n# HELP a x\n# TYPE a gauge\n# HELP a y\na 1\n": [("a", {}, 1, None)],
    "a 1\nb 2\n# TYPE a counter\n": [("a", {}, 1, None), ("b", {}, 2, None)],
    "\n \n#\n# only words\n#TYPE\n# HELP\na 1\n\n": [("a", {}, 1, None)],
    "# EOF\na 1\n# EOF": [("a", {}, 1, None)],
    "a 1\n   ": [("a", {}, 1, None)],
    # What Prometheus refuses, and can't be in doubt:
    "# TYPE a info\r\n\r\na 1\r\n": [("a", {}, 1, None)],
    "  a 1\n": [("a", {}, 1, None)],
    "\ufeffa 1\n": [("a", {}, 1, None)],
}


@pytest.mark.parametrize("piece", [1, 1 << 16])
@pytest.mark.parametrize("page", TAKEN)
def test_what_prometheus_takes_is_taken(page: str, piece: int) -> None:
    store = stored(page.encode(), piece=piece)
    assert store.problem is None
    assert samples(store) == TAKEN[page]


OPEN_TAKEN: dict[str, Samples] = {
    "# TYPE a counter\n# UNIT a s\na_total 1 1700000000.5\na_created 2\n# EOF\n": [
        ("a_total", {}, 1, 1700000000.5),
        ("a_created", {}, 2, None),
    ],
    "a 1\n# EOF": [("a", {}, 1, None)],
    'a_total{b="c"} 1 # {trace="} # {"} 0.5 1700000000\n# EOF\n': [("a_total", {"b": "c"}, 1, None)],
    'h_bucket{le="1.0"} 1 1.7e9 # {} 0.5\n# EOF\n': [("h_bucket", {"le": "1.0"}, 1, 1.7e9)],
    "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na 1\n# EOF\n": [
        ("a", {}, 1, None),
        ("a", {}, 1, None),
        ("b", {}, 1, None),
    ],
}


@pytest.mark.parametrize("page", OPEN_TAKEN)
def test_what_prometheus_takes_of_openmetrics_is_taken(page: str) -> None:
    store = stored(page.encode(), OPEN)
    assert store.problem is None
    assert samples(store) == OPEN_TAKEN[page]


@pytest.mark.parametrize(
    "content_type", ["", "text/html; charset=utf-8", "application/json", "TEXT/PLAIN;version=1.0.0"]
)
def test_the_content_type_does_not_matter(content_type: str) -> None:
    assert samples(stored(b"a 1\n", content_type)) == [("a", {}, 1, None)]


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("a 1\nrequests_total 12", "it ends in the middle of a line: it was cut off, or"),
        ("a 1\n# HELP b wor", "it ends in the middle of a line"),
        ('a 1\nb{c="d', "it ends in the middle of a line"),
        ('a 1\nb{c="d\n', "its line 2 is not a sample of a metric: 'b{c=\"d'"),
        ("<!doctype html>\n<p>Sign in", "it is a web page"),
        ("\n  <html>", "it is a web page"),
        ("a 1\n<br />\n<b>Warning</b>: Undefined variable\n", "it is a web page"),
        ('{"error": "denied"}\n', 'its line 1 is not a sample of a metric: \'{"error": "denied"}\''),
        ("all is well\n", "its line 1 is not a sample of a metric: 'all is well'"),
        ("a 1\n\n\nb 0x10\n", "its line 4 is not a sample of a metric: 'b 0x10'"),
        ("a 1_0\n", "its line 1"),
        ("a +nan\n", "its line 1"),
        ("a 1 -5\n", "its line 1"),
        ("a 1 2 3\n", "its line 1"),
        ("a{,} 1\n", "its line 1"),
        ("a{b='c'} 1\n", "its line 1"),
        ('a{"b"} 1\n', "its line 1"),
        ('{b="c"} 1\n', "braces with no name of a metric"),
        ('{"b","c"} 1\n', "braces with two names of a metric"),
        ("a-b 1\n", "its line 1"),
        ("a-1-2\n", "its line 1"),
        ("a_1.2.3\n", "its line 1"),
        ('a_total 1 # {t="x"} 1\n', "an exemplar, which only OpenMetrics has"),
        ("a 1\x00\n", "its line 1 is not a sample of a metric: 'a 1?'"),
    ],
)
def test_what_is_no_page_says_which_line_is_wrong(page: str, why: str) -> None:
    store = stored(page.encode())
    assert store.problem is not None
    assert why in store.problem


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("a 1\n", "it does not end with # EOF"),
        ("a 1\n# EO", "it ends in the middle of a line"),
        ("a 1\n# EOF\nb 1\n# EOF\n", "# EOF stands in the middle of it"),
        ("a 1 # {b} 1\n# EOF\n", "its line 1"),
    ],
)
def test_half_a_page_of_openmetrics_is_none(page: str, why: str) -> None:
    store = stored(page.encode(), OPEN)
    assert store.problem is not None
    assert why in store.problem


def test_what_is_not_text_is_named() -> None:
    assert stored(b"# HELP a Gr\xf6\xdfe\na 1\n").problem == "line 1 is not UTF-8; have the exporter write UTF-8"
    assert "protobuf" in str(stored(b"\x12", "application/vnd.google.protobuf; encoding=delimited").problem)


@pytest.mark.parametrize("line", ['a{b="1",b="2"} 1\n', "a 1e999\n"])
def test_a_sample_that_prometheus_refuses_is_no_value(line: str) -> None:
    with pytest.raises(ValueError, match=r"twice|too large"):
        samples(stored(line.encode()))


def test_every_cut_of_a_page_is_noticed() -> None:
    """Wherever a page is cut off, no number is read that it does not have, unless a line's end is where it was cut."""
    page = '# TYPE a counter\na_total{b="x\ny"} 1234 1700000000123\nb 5.25e-3\n{"c.d",e="f"} -Inf\n'
    whole = set(map(str, samples(stored(page.encode()))))
    for end in range(len(page)):
        store = stored(page[:end].encode())
        if store.problem is None:
            assert page[:end].endswith("\n") or not end
            assert {str(sample) for sample in samples(store)} < whole


def pieces(millions: int) -> Iterator[bytes]:
    """Yield a page of so many million bytes, as kube-state-metrics writes one."""
    for number in range(millions * 1_000_000 // 190 // 1000):
        yield "".join(
            f'kube_pod_container_status_ready{{namespace="team-{i % 50}",pod="api-{number:08d}-7c9f8d6b5-x2x{i % 10}",'
            f'uid="0a1b2c3d-{i:08d}-4f5e-8a9b-0c1d2e3f4a5b",container="api",image="registry.example/api:v1.2.{i}"}} 1\n'
            for i in range(1000)
        ).encode()


@pytest.mark.slow
def test_a_large_page_is_held_small() -> None:
    store = Store()
    store.start({})
    tracemalloc.start()
    try:
        for piece in pieces(10):
            store.feed(piece)
        store.feed(b"errors_total 3\n")
        store.finish()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert store.problem is None
    assert [line.value() for line in store.lines("errors_total")] == [3.0]
    assert most < 6_000_000
