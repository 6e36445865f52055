"""Masks secrets, and what steers a terminal, in what others than the results tell: log records and warnings."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from ..core.secrets import Redactor
from ..core.visible import visible


class Masking:
    """A plugin that stands between libraries, which log addresses with their tokens, and whoever shows that."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._made = logging.getLogRecordFactory()
        logging.setLogRecordFactory(self._record)

    def _record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._made(*args, **kwargs)
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            return record  # logging itself reports arguments that do not fit
        if (clean := visible(self._redactor.text(text))) != text:
            record.msg, record.args = clean, ()
        self._mask_exception(record)
        return record

    def _mask_exception(self, record: logging.LogRecord) -> None:
        """Leave of an exception that holds a secret its text alone: handlers make theirs of it."""
        if record.stack_info:
            record.stack_info = self._redactor.text(record.stack_info)
        if record.exc_info and record.exc_info[1] is not None:
            text = logging.Formatter().formatException(record.exc_info)
            if (clean := self._redactor.text(text)) != text:
                record.exc_text, record.exc_info = clean, None

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """Mask a warning before it is told."""
        warning = warning_message.message
        if isinstance(warning, Warning) and visible(self._redactor.text(str(warning))) != str(warning):
            warning.args = tuple(visible(self._redactor.text(str(each))) for each in warning.args)

    def pytest_unconfigure(self) -> None:
        """Give logging its own records back."""
        logging.setLogRecordFactory(self._made)
