from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.catalog.hardware import Hardware, load_catalog
from edgectl.errors import InputError


def test_the_usual_node_is_eight_rtx_pro_6000_and_a_bluefield() -> None:
    hardware = load_catalog().hardware("rtx-pro-6000-server-8")

    assert hardware.gpu is not None
    assert hardware.gpu.nvml_name == "NVIDIA RTX PRO 6000 Blackwell Server Edition"
    assert (hardware.gpu.memory_mib, hardware.gpu.pcie_gen, hardware.gpu.pcie_width) == (97887, 5, 16)
    assert (hardware.gpu.power_limit_w, hardware.gpu.min_driver) == (600, "575.51.03")
    assert (hardware.gpu_count, hardware.dpu, hardware.dpu_count) == (8, "bluefield-3", 1)


def test_a_dpu_has_a_profile_without_gpus() -> None:
    assert load_catalog().hardware("bluefield-3") == Hardware("bluefield-3", None, 0, None, 0)


def test_every_profile_says_how_many_of_what() -> None:
    catalog = load_catalog()

    for hardware in catalog.by_name.values():
        assert (hardware.gpu is None) == (hardware.gpu_count == 0), hardware
        assert (hardware.dpu is None) == (hardware.dpu_count == 0), hardware
        assert hardware.dpu is None or hardware.dpu in catalog.names


def test_a_name_nobody_knows_comes_with_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        load_catalog().hardware("rtx-pro-6000-8")

    assert caught.value.message == "unknown hardware 'rtx-pro-6000-8'; did you mean 'rtx-pro-6000-server-8'?"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gpus: {}\nhardware: {x-1: {gpu: x, gpu_count: 1}}\n", "2:18   unknown GPU 'x'"),
        ("gpus: {l4: {nvml_name: L4, memory_mib: 0, power_limit_w: 72}}\nhardware: {}\n", "1:28   'gpus.l4"),
        ("gpus: {}\nhardware: {x-1: {gpus: 1}}\n", "2:18   unknown key 'gpus'; did you mean 'gpu'?"),
    ],
)
def test_a_wrong_catalog_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "hardware.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(InputError) as caught:
        load_catalog(path)

    assert caught.value.message.startswith(f"{path}:{told}")


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("power_limit_w: 600000", "600000 is no power_w"),
        ("power_limit_w: 72, pcie_width: 64", "64 is no pcie_lanes"),
        ("power_limit_w: 72, nvlinks: 1800", "1800 is no nvlinks"),
    ],
)
def test_a_figure_in_the_wrong_unit_is_refused_with_its_place(tmp_path: Path, field: str, told: str) -> None:
    path = tmp_path / "hardware.yaml"
    path.write_text(
        f"gpus: {{l4: {{nvml_name: L4, memory_mib: 23034, {field}}}}}\nhardware: {{}}\n", encoding="utf-8"
    )

    with pytest.raises(InputError) as caught:
        load_catalog(path)

    assert caught.value.message.startswith(f"{path}:1:")
    assert told in caught.value.message
