"""The version of what other packages build on: kinds, reports, channels and hooks."""

from __future__ import annotations

API_VERSION = 1
"""Goes up where a package that was made for the version before would not work any more."""
