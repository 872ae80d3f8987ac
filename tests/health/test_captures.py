"""Real outputs of nvidia-smi, judged: no finding but what the capture shows by itself.

EDGECTL_SMI_CAPTURES=folder .venv/bin/pytest -s tests/health/test_captures.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edgectl.catalog.rules import load_rules
from edgectl.catalog.xid import load_xids
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.observed import node_of
from edgectl.ops.health.verdict import judge
from edgectl.remote.gpu import smi_xml
from tests.unit.ops.health.nodes import a_node


@pytest.mark.skipif(
    "EDGECTL_SMI_CAPTURES" not in os.environ,
    reason="needs EDGECTL_SMI_CAPTURES: a folder of real `nvidia-smi -q -x` outputs",
)
def test_a_real_gpu_has_the_findings_that_its_capture_shows_and_no_others() -> None:
    for path in sorted(Path(os.environ["EDGECTL_SMI_CAPTURES"]).glob("*.xml")):
        text = path.read_text(encoding="utf-8")
        found = smi_xml.parse(text)
        node = node_of(a_node(found["gpus"], collector="nvidia-smi", driver_version=found["driver_version"]))
        verdict = judge(node, Expected(gpu_count=len(node.gpus)), load_rules(), load_xids())
        told = sorted((one.gpu, one.id) for one in verdict.findings)
        print(f"\n{path.name}: {len(node.gpus)} GPUs, {[str(one) for one in verdict.findings]}")
        assert told == sorted(shown(text)), path.name


def shown(text: str) -> Iterator[tuple[str, str]]:
    """Yield what the XML says by itself: too few lanes, and persistence mode off."""
    for gpu in ElementTree.fromstring(text).iter("gpu"):
        uuid, widths = gpu.findtext("uuid", ""), gpu.find("pci/pci_gpu_link_info/link_widths")
        assert widths is not None
        if _lanes(widths, "current_link_width") < _lanes(widths, "max_link_width"):
            yield uuid, "pcie-width"
        if gpu.findtext("persistence_mode") == "Disabled":
            yield uuid, "persistence-off"


def _lanes(widths: ElementTree.Element, name: str) -> int:
    return int(widths.findtext(name, "0").strip().rstrip("x"))
