"""Backups in object storage: S3's API, served over HTTP on the loopback interface by moto, read through s3fs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from .conftest import Run
from .processes import free_port

KEYS = {
    "AWS_ACCESS_KEY_ID": "opscheck",
    "AWS_SECRET_ACCESS_KEY": "Bucket-canary-9Zt",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture
def bucket() -> Iterator[Any]:
    """Yield the client of a server with one empty bucket, `backups`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name=KEYS["AWS_DEFAULT_REGION"],
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket="backups")
    yield client
    client.close()
    server.stop()


def inventory(client: Any, url: str = "s3://backups/db/*.sql.gz", more: str = "") -> str:
    endpoint = client.meta.endpoint_url
    return f"""
    [backup.database]
    path = "/nowhere/*.gz"
    [backup.database.expect]
    fresh = false
    size = false
    intact = false
    [backup.database.expect.uploaded]
    url = "{url}"
    options = {{ endpoint_url = "{endpoint}", key = "opscheck", secret = "${{AWS_SECRET_ACCESS_KEY}}" }}
    {more}
    """


def put(client: Any, name: str, content: bytes = b"x") -> None:
    client.put_object(Bucket="backups", Key=name, Body=content)


def named(days: int) -> str:
    return f"db/backup_{dt.datetime.now().astimezone() - dt.timedelta(days=days):%Y%m%d_%H%M%S}.sql.gz"


def test_todays_backup_is_in_the_bucket(run: Run, bucket: Any) -> None:
    def said(text: str, env: Mapping[str, str] = KEYS) -> tuple[str, str]:
        outcome = run(text, env=env)
        assert KEYS["AWS_SECRET_ACCESS_KEY"] not in outcome.output
        return outcome.verdict("backup.uploaded@database"), outcome.message("backup.uploaded@database")

    verdict, message = said(inventory(bucket))
    assert verdict == "breach P2"
    assert message.startswith("newest object of s3://backups/db/*.sql.gz is missing")
    put(bucket, "db/notes.txt")
    put(bucket, named(8))
    verdict, message = said(inventory(bucket))
    assert verdict == "breach P2"
    assert f"age of backups/{named(8)[:18]}" in message
    assert "by the date in its name, is" in message
    put(bucket, named(0), b"")
    verdict, message = said(inventory(bucket))
    assert verdict == "breach P2"
    assert message.endswith("is 0 B, expected > 0 B")
    put(bucket, named(0), b"x" * 5000)
    assert said(inventory(bucket))[0] == "ok"
    assert said(inventory(bucket, more='size = "> 10kB"'))[0] == "breach P2"
    verdict, message = said(inventory(bucket, "s3://no-such-bucket/*"))
    assert verdict == "unknown P2" or "missing" in message
    verdict, message = said(inventory(bucket, "gs://backups/*"))
    assert verdict == "unknown P2"
    assert "pip install 'pytest-opscheck[gcs]'" in message


def test_a_storage_that_does_not_answer_is_unknown(run: Run, bucket: Any) -> None:
    dead = inventory(bucket).replace(bucket.meta.endpoint_url, f"http://127.0.0.1:{free_port()}")
    outcome = run(dead, env=KEYS)
    assert outcome.verdict("backup.uploaded@database") == "unknown P2"
    assert "can't be listed" in outcome.message("backup.uploaded@database")
    outcome = run(inventory(bucket, "backups/db"), env=KEYS)
    assert outcome.exit_status == 4
    assert "'backups/db' is not a URL; write for example s3://" in outcome.output
