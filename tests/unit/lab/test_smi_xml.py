from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from edgectl.lab.guest.gpus import new_gpus
from edgectl.lab.guest.smi_xml import render


def _document(driver: str) -> ET.Element:
    return ET.fromstring(render(new_gpus("n1", 2), driver))


@pytest.mark.parametrize("driver", ["575.57.08", "580.95.05", "580.105.08"])
def test_the_document_says_what_a_healthy_gpu_says(driver: str) -> None:
    log = _document(driver)
    gpu = log.findall("gpu")[1]
    assert (log.findtext("driver_version"), log.findtext("attached_gpus")) == (driver, "2")
    assert gpu.get("id") == gpu.findtext("pci/pci_bus_id")
    assert gpu.findtext("fb_memory_usage/total") == "97887 MiB"
    assert gpu.findtext("gpu_power_readings/current_power_limit") == "600.00 W"
    assert gpu.findtext("pci/pci_gpu_link_info/link_widths/current_link_width") == "16x"
    assert gpu.findtext("ecc_mode/current_ecc") == "Enabled"
    assert gpu.findtext("remapped_rows/remapped_row_pending") == "No"


def test_counters_of_clock_event_reasons_came_with_580() -> None:
    assert _document("575.57.08").find("gpu/clocks_event_reasons_counters") is None
    assert _document("580.95.05").find("gpu/clocks_event_reasons_counters") is not None


def test_gpus_are_the_same_for_a_host_and_differ_between_hosts() -> None:
    assert new_gpus("n1", 2) == new_gpus("n1", 2)
    uuids = {gpu["uuid"] for host in ("n1", "n2") for gpu in new_gpus(host, 2)}
    assert len(uuids) == 4
