"""What `docker system df` prints, and what the engine's API says of the same."""

from __future__ import annotations

import pytest

from pytest_opscheck.probes import UnknownError
from pytest_opscheck.probes.docker._disk import Disk, Share, from_api, from_cli


def test_the_command() -> None:
    lines = ["Images;1.2GB;600MB (50%)", "Containers;0B;0B", "Local Volumes;2kB;2kB (100%)", "Build Cache;0B;-5B"]
    found = Disk(tuple(from_cli(lines)))
    assert found.shares == (
        Share("images", 1_200_000_000, 600_000_000),
        Share("containers", 0, 0),
        Share("volumes", 2000, 2000),
        Share("build cache", 0, 0),
    )
    assert (found.used, found.reclaimable, found.most) == (1_200_002_000, 600_002_000, "images")
    with pytest.raises(UnknownError, match="can't be read"):
        list(from_cli(["Images;much;little"]))


def test_the_api() -> None:
    """Unused is an image without a container, one that is stopped, a volume that nothing refers to."""
    said = {
        "LayersSize": 1000,
        "Images": [
            {"Size": 600, "SharedSize": 100, "Containers": 1},
            {"Size": 500, "SharedSize": 100, "Containers": 0},
        ],
        "Containers": [{"SizeRw": 10, "State": "exited"}, {"SizeRw": 5, "State": "running"}],
        "Volumes": [{"UsageData": {"Size": 7, "RefCount": 0}}, {"UsageData": {"Size": -1, "RefCount": 1}}, {}],
        "BuildCache": [{"Size": 3, "InUse": False}, {"Size": 4, "InUse": True}, {"Size": 9, "Shared": True}],
    }
    assert list(from_api(said)) == [
        Share("images", 1000, 500),
        Share("containers", 15, 10),
        Share("volumes", 7, 7),
        Share("build cache", 7, 3),
    ]


def test_nothing_at_all_is_no_part_of_anything() -> None:
    assert Disk(tuple(from_api({"LayersSize": 0}))).percent == 0
