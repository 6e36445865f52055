"""This repository's own pytest set-up; what is installed with the package lives in `pytest_opscheck/plugin.py`."""
