"""This repository's own pytest set-up: pytester, to run pytest inside pytest."""

pytest_plugins = ["pytester"]
