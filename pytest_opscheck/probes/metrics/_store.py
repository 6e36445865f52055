"""A metrics page while it is read: every line checked as it comes, and kept so small that 64 MB are a few."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

from ._text import LONGEST_LINE, End, Family, Line, NoSampleError, ends_whole, lines, wrong

LONGEST_PAGE = 64_000_000
"""Bytes of a page that are read: kube-state-metrics of a large cluster has 30 MB."""
MOST_NAMES = 100_000
"""Metric names that a page may have: the largest exporters have some thousand."""
_BLOCK = 262_144


class Store:
    """What a page says: its blocks of lines, compressed, and which metric stands in which of them.

    `types` has what is described, by name, with its type where that is said. `problem` says why it is not a page of
    metrics; it is None of one that is.
    """

    longest = LONGEST_PAGE

    def __init__(self) -> None:
        self.types: dict[str, str | None] = {}
        self.problem: str | None = None
        self.openmetrics = False
        self._places: dict[str, list[int]] = {}
        self._blocks: list[bytes] = []
        self._waiting = bytearray()
        self._rest = ""
        self._read = 0
        self._over = False

    @property
    def names(self) -> Mapping[str, object]:
        """The names of all series."""
        return self._places

    def start(self, headers: Mapping[str, str]) -> None:
        """Take the headers of the answer. All that is not OpenMetrics is read as text, whatever its type."""
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        self.openmetrics = media == "application/openmetrics-text"
        if "protobuf" in media:
            self.problem = f"it is {media}, which was not asked for; have the server send text"

    def feed(self, piece: bytes) -> bool:
        """Take the next bytes of the page, and return whether it is one so far."""
        self._waiting += piece
        if len(self._waiting) >= _BLOCK and (end := self._waiting.rfind(b"\n")) != -1:
            self._take(bytes(self._waiting[: end + 1]))
            del self._waiting[: end + 1]
        elif len(self._waiting) > LONGEST_LINE:
            self._refuse(self._waiting[:100].decode(errors="replace"))
        return self.problem is None

    def finish(self) -> None:
        """Take the end of the page: its last line has to be whole, or else what it says may be half of a number."""
        rest = bytes(self._waiting)
        self._waiting.clear()
        if self.problem:
            return
        whole, feed, half = rest.rpartition(b"\n")
        self._take(whole + feed)
        if self.problem is None and ends_whole(half.decode(errors="replace")):
            self._take(half + b"\n")
            half = b""
        if self.problem is None and self._rest:
            self._refuse(self._rest)
        if self.problem is None and half:
            self._cut_off(half.decode(errors="replace"))
        if self.problem is None and self.openmetrics and not self._over:
            self.problem = (
                "it does not end with # EOF, as OpenMetrics has to, so it was cut off; "
                "if it is the older text, the server must not call it OpenMetrics"
            )

    def lines(self, name: str) -> Iterator[Line]:
        """Yield the samples of a name, in their order on the page. Raises NoSampleError for a line that is none."""
        for number in self._places.get(name, ()):
            text = zlib.decompress(self._blocks[number]).decode()
            for line, _ in lines(text, 0, openmetrics=self.openmetrics):
                if isinstance(line, Line) and line.name == name:
                    yield line

    def _take(self, block: bytes) -> None:
        """Take whole lines, behind those that have waited because a label's value goes on over a line feed."""
        try:
            text = self._rest + block.decode()
        except UnicodeDecodeError as error:
            number = self._read + (self._rest + block[: error.start].decode(errors="replace")).count("\n") + 1
            self.problem = f"line {number} is not UTF-8; have the exporter write UTF-8"
            return
        if self._read == 0:
            text = text.removeprefix("\ufeff")
        place = self._indexed(text)
        self._rest = text[place:]
        if place:
            self._read += text.count("\n", 0, place)
            self._blocks.append(zlib.compress(text[:place].encode(), 1))
        if len(self._rest) > LONGEST_LINE or self._rest.lstrip().startswith("<"):
            self._refuse(self._rest)

    def _indexed(self, text: str) -> int:
        """Note which metrics stand in the next block, and return where its last whole line ends."""
        place, number, last = 0, len(self._blocks), None
        try:
            for line, at in lines(text, 0, openmetrics=self.openmetrics):
                if self._over and line is not None:
                    raise NoSampleError("# EOF stands in the middle of it")  # noqa: TRY301 - as of a line
                place = at
                if isinstance(line, Line):
                    if line.name != last:
                        last = line.name
                        self._note(last, number)
                elif isinstance(line, Family):
                    self.types[line.name] = line.type or self.types.get(line.name)
                elif isinstance(line, End):
                    self._over = True
        except NoSampleError as error:
            self.problem = str(error)
        if len(self._places) + len(self.types) > 2 * MOST_NAMES:
            self.problem = f"it has more than {MOST_NAMES} names of metrics; what varies belongs into labels"
        return place

    def _note(self, name: str, number: int) -> None:
        places = self._places.setdefault(name, [])
        if not places or places[-1] != number:
            places.append(number)

    def _cut_off(self, half: str) -> None:
        started = self._read > 0 or next(lines(half + "\n", 0, openmetrics=self.openmetrics), None) is not None
        if started and not half.lstrip().startswith("<"):
            self.problem = (
                "it ends in the middle of a line: it was cut off, or the exporter has to end its last line with a line "
                "feed, without which 12 may be the start of 1234"
            )
        else:
            self._refuse(half)

    def _refuse(self, rest: str) -> None:
        if rest.lstrip().startswith("<"):
            self.problem = "it is a web page; the path of metrics is often /metrics"
        else:
            number = self._read + 1
            self.problem = f"its line {number} is not a sample of a metric: {wrong(rest, openmetrics=self.openmetrics)}"
