"""The collector on a real NVIDIA GPU, where there is one. It only reads."""

from __future__ import annotations

import shutil

import pytest

from edgectl.remote.gpu import nvml, readings, smi

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not nvml.is_installed(), reason="needs an NVIDIA GPU: libnvidia-ml.so.1 is not here"),
]
# What a healthy GPU keeps between two readings that are a second apart.
STEADY = ("uuid", "name", "pci_bus_id", "vbios", "memory_total_mib", "ecc_mode", "mig_mode", "power_limit_w",
          "ecc_volatile_uncorrected", "remap_pending", "remap_failure", "pcie_width",
          "persistence_mode")  # fmt: skip


def test_nvml_answers_in_the_one_shape() -> None:
    found = nvml.collect(30.0)

    assert found["driver_version"]
    for gpu in found["gpus"]:
        assert set(readings.NAMES) <= set(gpu)
        assert (gpu["state"], gpu["unread"]["error"]) == ("ok", {})
        assert gpu["uuid"].startswith("GPU-")
        assert 0 < gpu["temperature_c"] < 110


@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="needs nvidia-smi")
def test_nvml_and_nvidia_smi_agree() -> None:
    by_nvml, by_smi = nvml.collect(30.0), smi.collect(30.0, [])

    assert by_nvml["driver_version"] == by_smi["driver_version"]
    for one, other in zip(by_nvml["gpus"], by_smi["gpus"], strict=True):
        assert {name: one[name] for name in STEADY} == {name: other[name] for name in STEADY}
