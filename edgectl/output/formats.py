"""The names of the formats, apart from their renderers: `--help` needs the names alone."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """What `-o` takes."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    JUNIT = "junit"
    PROMETHEUS = "prometheus"
    NAGIOS = "nagios"
