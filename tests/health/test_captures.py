"""Real outputs of nvidia-smi, judged: no finding but what the capture shows by itself.

EDGECTL_SMI_CAPTURES=folder .venv/bin/pytest -s tests/health/test_captures.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from edgectl.catalog.rules import load_rules
from edgectl.catalog.xid import load_xids
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.observed import node_of
from edgectl.ops.health.verdict import judge
from edgectl.remote.gpu import readings, smi_xml
from tests.health.capture_readings import IN_NO_XML, NOT_COLLECTED, SIMPLE, SUMMED, UNSUPPORTED, said
from tests.unit.ops.health.nodes import a_node

pytestmark = pytest.mark.skipif(
    "EDGECTL_SMI_CAPTURES" not in os.environ,
    reason="needs EDGECTL_SMI_CAPTURES: a folder of real `nvidia-smi -q -x` outputs",
)


def captures() -> list[tuple[str, str]]:
    """Return each capture's name and text."""
    paths = sorted(Path(os.environ["EDGECTL_SMI_CAPTURES"]).glob("*.xml"))
    assert paths
    return [(path.name, path.read_text(encoding="utf-8")) for path in paths]


def test_every_reading_of_every_real_gpu_is_what_its_capture_says_and_has_a_reason_where_it_says_none() -> (
    None
):
    assert {*SIMPLE, *SUMMED} | IN_NO_XML == set(readings.NAMES)
    count = 0
    for name, text in captures():
        elements, found = list(ET.fromstring(text).iter("gpu")), smi_xml.parse(text)["gpus"]
        assert len(elements) == len(found) == int(ET.fromstring(text).findtext("attached_gpus", "0"))
        for element, gpu in zip(elements, found, strict=True):
            told = {reading: as_told(gpu, reading) for reading in readings.NAMES}
            wanted = {reading: said(element, reading) for reading in SIMPLE}
            wanted |= {reading: ask(element) for reading, ask in SUMMED.items()}
            assert told == {**wanted, **dict.fromkeys(IN_NO_XML, NOT_COLLECTED)}, (name, gpu["index"])
            count += sum(value not in (UNSUPPORTED, NOT_COLLECTED) for value in told.values())
    print(f"\n{count} values read as they stand")


def as_told(gpu: dict[str, Any], reading: str) -> Any:
    """Return a reading's value, or the reason why it has none."""
    if gpu[reading] is not None:
        return gpu[reading]
    (reason,) = [reason for reason, names in gpu["unread"].items() if reading in names]
    return {"unsupported": UNSUPPORTED, "not_collected": NOT_COLLECTED}.get(reason, reason)


def test_a_real_gpu_has_the_findings_that_its_capture_shows_and_no_others() -> None:
    for name, text in captures():
        found = smi_xml.parse(text)
        node = node_of(a_node(found["gpus"], collector="nvidia-smi", driver_version=found["driver_version"]))
        verdict = judge(node, Expected(gpu_count=len(node.gpus)), load_rules(), load_xids())
        told = sorted((one.gpu, one.id) for one in verdict.findings)
        print(f"\n{name}: {len(node.gpus)} GPUs, {[str(one) for one in verdict.findings]}")
        assert told == sorted(shown(text)), name


def shown(text: str) -> Iterator[tuple[str, str]]:
    """Yield what the XML says by itself: too few lanes, and persistence mode off."""
    for gpu in ET.fromstring(text).iter("gpu"):
        uuid, widths = gpu.findtext("uuid", ""), gpu.find("pci/pci_gpu_link_info/link_widths")
        assert widths is not None
        if _lanes(widths, "current_link_width") < _lanes(widths, "max_link_width"):
            yield uuid, "pcie-width"
        if gpu.findtext("persistence_mode") == "Disabled":
            yield uuid, "persistence-off"


def _lanes(widths: ET.Element, name: str) -> int:
    return int(widths.findtext(name, "0").strip().rstrip("x"))
