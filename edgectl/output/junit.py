"""The report as JUnit XML: one test case per host and task or check."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from typing import IO

from edgectl.report import Check, Report

# XML 1.0 has no place for most control characters, and a program's output may hold any.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report, stream: IO[str]) -> None:
    """Write a testsuite."""
    counts = Counter(check.status for check in report.checks)
    suite = ET.Element(
        "testsuite",
        name=f"edgectl {report.command}",
        tests=str(len(report.checks)),
        failures=str(counts["failed"]),
        errors=str(counts["unknown"]),
        skipped=str(counts["skipped"]),
        time=f"{report.seconds:.3f}",
        timestamp=report.started.strftime("%Y-%m-%dT%H:%M:%S"),
    )
    for check in report.checks:
        _add(suite, check)
    ET.indent(suite)
    stream.write('<?xml version="1.0" encoding="utf-8"?>\n')
    stream.write(ET.tostring(suite, encoding="unicode") + "\n")


def _add(suite: ET.Element, check: Check) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(check.subject),
        name=_clean(check.name),
        time=f"{check.seconds:.3f}",
    )
    kind = {"failed": "failure", "unknown": "error", "skipped": "skipped"}.get(check.status)
    if kind is not None:
        ET.SubElement(case, kind, message=_clean(check.message))
    elif check.status == "warning":
        ET.SubElement(case, "system-out").text = _clean(f"warning: {check.message}")


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
