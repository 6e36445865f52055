"""Small answers that would be large once they are unpacked, parsed or followed: named, in time, and in flat memory."""

from __future__ import annotations

import json
import os
import sys
import zlib
from pathlib import Path

from .memory import peak_mb
from .web import Handler, Site, site

MOST_MB = 300
"""Of a run that meets all of them at once; with one of them it is under 150."""
INVENTORY = """
[http.packed]
url = "URL/packed"
[http.packed.expect]
latency = false
body = "~ healthy"
[http.values]
url = "URL/values"
[http.values.expect]
latency = false
json = { status = "== healthy" }
[http.deep]
url = "URL/deep"
[http.deep.expect]
latency = false
json = { status = "== healthy" }
[prometheus.main]
url = "URL/prometheus"
[metrics.labels]
url = "URL/labels"
value.errors = { metric = "errors_total", each = true, expect = "< 1" }
[metrics.names]
url = "URL/names"
[backup.pages]
path = "/nowhere/*.gz"
[backup.pages.expect]
fresh = false
size = false
intact = false
[backup.pages.expect.uploaded]
url = "s3://pages/*.gz"
options = { endpoint_url = "URL", key = "opscheck", secret = "not-a-secret" }
"""
SAID = {
    "http.body@packed": "the body is longer than the 10 MB that are read; ask by hand",
    "http.json@values": "a document of more than 250,000 values, which is not read; ask for less",
    "http.json@deep": "answered 200 with application/json that is not JSON",
    "prometheus.reachable@main": "a document of more than 250,000 values, which is not read; ask for less",
    "metrics.value.errors@labels": "the labels of errors_total have more than 10 MB; narrow them with labels",
    "metrics.reachable@names": "it has more than 100000 names of metrics; what varies belongs into labels",
    "backup.uploaded@pages": "its listing is longer than the 10 MB that are read, some 25,000 objects; name a folder",
}


def zeros_packed(size: int) -> bytes:
    packing = zlib.compressobj(1, zlib.DEFLATED, 31)
    piece = bytes(1_000_000)
    return b"".join(packing.compress(piece) for _ in range(size // len(piece))) + packing.flush()


def page_of_objects(handler: Handler) -> None:
    """Answer a listing with a page of 1000 objects after which there are always more."""
    served = len(handler.server.seen)
    objects = "".join(
        f"<Contents><Key>{'x' * 200}/{served}-{number}.gz</Key><LastModified>2026-11-27T00:00:00.000Z</LastModified>"
        f"<ETag>&quot;{'0' * 32}&quot;</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for number in range(1000)
    )
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>more</NextContinuationToken>"
    handler.say(200, f"<?xml version='1.0'?><ListBucketResult>{more}{objects}</ListBucketResult>", "application/xml")


def bombs(server: Site) -> None:
    packed = zeros_packed(200_000_000)
    server.replies["/packed"] = lambda handler: handler.say(200, packed, **{"Content-Encoding": "gzip"})
    server.replies["/pages"] = page_of_objects
    many = '{"status": "success", "data": {"result": [' + ",".join(["{}"] * 3_000_000) + "]}}"
    server.page("/values", many, content_type="application/json")
    server.page("/prometheus/api/v1/query", many, content_type="application/json")
    server.page("/deep", "[" * 100_000 + "]" * 100_000, content_type="application/json")
    label = os.urandom(400_000).hex()
    server.page("/labels", "".join(f'errors_total{{path="{number}{label}"}} 1\n' for number in range(20)))
    server.page("/names", "".join(f"errors_{number}_total 1\n" for number in range(250_000)))


def test_what_unpacks_to_more_is_named_and_not_held(tmp_path: Path) -> None:
    with site() as server:
        bombs(server)
        (tmp_path / "opscheck.toml").write_text(INVENTORY.replace("URL", server.url), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "daily"]
        done, peak = peak_mb(command, tmp_path, os.environ)
    file = tmp_path / "reports" / "daily" / "latest.json"
    assert file.exists(), done.stdout + done.stderr
    results = {each["id"]: each for each in json.loads(file.read_text(encoding="utf-8"))["results"]}
    for name, said in SAID.items():
        assert said in results[name]["message"], results[name]["message"]
        assert results[name]["verdict"] in ("breach", "unknown")
    assert peak < MOST_MB
