"""A small object store: as much of S3's API as storing and listing need. `python3 bucket.py FOLDER PORT KEY`.

Buckets are the folders of FOLDER. Who asks has to name the access key KEY; signatures are not verified.
"""

import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

FOLDER, PORT, KEY = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


class Store(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        bucket, _, name = self.asked()
        if f"Credential={KEY}/" not in self.headers.get("Authorization", ""):
            self.refuse(403, "AccessDenied")
        elif not (FOLDER / bucket).is_dir():
            self.refuse(404, "NoSuchBucket")
        elif not name:
            self.say(200, self.listed(bucket))
        elif (file := FOLDER / bucket / name).is_file():
            self.say(200, file.read_bytes())
        else:
            self.refuse(404, "NoSuchKey")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        bucket, _, name = self.asked()
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if f"Credential={KEY}/" not in self.headers.get("Authorization", ""):
            return self.refuse(403, "AccessDenied")
        file = FOLDER / bucket / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return self.say(200, b"")

    def asked(self) -> tuple[str, str, str]:
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")

    def listed(self, bucket: str) -> bytes:
        """Return what ListObjectsV2 answers: the objects under a prefix, and the folders up to the delimiter."""
        query = parse_qs(urlsplit(self.path).query)
        prefix, delimiter = (query.get(name, [""])[0] for name in ("prefix", "delimiter"))
        objects, folders = [], set()
        for file in sorted(path for path in (FOLDER / bucket).rglob("*") if path.is_file()):
            name = file.relative_to(FOLDER / bucket).as_posix()
            if not name.startswith(prefix):
                continue
            inner, found, _ = name.removeprefix(prefix).partition(delimiter) if delimiter else ("", "", "")
            if found:
                folders.add(prefix + inner + delimiter)
            else:
                objects.append((name, file.stat()))
        return "".join(
            [
                "<ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><IsTruncated>false</IsTruncated>",
                f"<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix>",
                *(
                    f"<Contents><Key>{escape(name)}</Key><Size>{stat.st_size}</Size>"
                    f"<LastModified>{datetime.fromtimestamp(stat.st_mtime, UTC):%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
                    "<StorageClass>STANDARD</StorageClass></Contents>"
                    for name, stat in objects
                ),
                *(f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in sorted(folders)),
                "</ListBucketResult>",
            ]
        ).encode()

    def refuse(self, status: int, code: str) -> None:
        self.say(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


ThreadingHTTPServer(("", PORT), Store).serve_forever()
