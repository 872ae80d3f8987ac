"""Logging: JSON lines to a file per day for the record, warnings to stderr for a person."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Any


class _JsonLines(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line."""
        entry: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def log_to_file(folder: Path, now: datetime) -> Path | None:
    """Send edgectl's log to the day's file and return it; None where the folder cannot be written."""
    path = folder / f"{now:%Y-%m-%d}.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    except OSError:
        return None
    handler.setFormatter(_JsonLines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # paramiko logs every refused key as an error of its own; we report faults with their host.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    return path
