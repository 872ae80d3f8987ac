"""Baselines: what is wrong with one is told before any host hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from edgectl import shipped
from edgectl.catalog.baselines import load_baselines, upstream
from edgectl.catalog.hardware import load_catalog
from edgectl.errors import InputError

NAMES = load_catalog().names
WRITTEN = yaml.safe_load((shipped.inventory() / "baselines/rtx-pro-6000.yaml").read_text())


def folder_with(folder: Path, **files: object) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return folder


def complaints(folder: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_baselines([folder], NAMES)
    return [str(problem).partition("   ")[2] for problem in caught.value.problems]


def test_the_shipped_baselines_are_whole() -> None:
    found = load_baselines([shipped.inventory() / "baselines"], NAMES)

    assert found["rtx-pro-6000-server-8"].profile == "pcie"
    assert found["rtx-pro-6000-server-8"].variables["name"] == "rtx-pro-6000-2026.11"
    assert (found["hgx-b200-8"].profile, found["l4-2"].name) == ("nvswitch", "l4-2026.11")


def test_an_inventory_s_own_baseline_goes_before_a_shipped_one(tmp_path: Path) -> None:
    own = folder_with(
        tmp_path / "own", mine={**WRITTEN, "baseline": "mine", "hardware": ["l4-2", "rtx-pro-6000-server-8"]}
    )

    found = load_baselines([own, shipped.inventory() / "baselines"], NAMES)

    assert (found["l4-2"].name, found["rtx-pro-6000-server-8"].name) == ("mine", "mine")
    assert found["rtx-pro-6000-server-4"].name == "rtx-pro-6000-2026.11"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hardware": ["rtx-5090"]}, ["unknown hardware 'rtx-5090'"]),
        (
            {
                "driver": {
                    "version": "580.105.08",
                    "packages": {"nvidia-open": "580.105.08-1", "nvidia-fabricmanager": "580.95.05-1"},
                }
            },
            ["nvidia-fabricmanager is 580.95.05-1, the driver 580.105.08: they work together or not at all"],
        ),
        (
            {"runtime": {"packages": {"nvidia-container-toolkit": "1.18.*"}}},
            ["'runtime.packages': 'nvidia-container-toolkit' must have one exact version, not '1.18.*'"],
        ),
        (
            {"profile": "nvswitch"},
            ["nvswitch needs 'nvidia-fabricmanager' in driver.packages, so that it changes with the driver"],
        ),
        (
            {"profile": "rack"},
            ["rack needs 'nvidia-imex' in driver.packages, so that it changes with the driver"],
        ),
        (
            {"dpu": {"mode": "nic", "image": {"url": "https://x/y.bfb", "sha256": "0" * 64}}},
            ["a card in NIC mode takes no image: a push never ends"],
        ),
        (
            {"dpu": {"packages": {"rshim": "2.*"}}},
            ["'dpu.packages': 'rshim' must have one exact version, not '2.*'"],
        ),
        ({"profil": "pcie"}, ["unknown key 'profil'; did you mean 'profile'?"]),
        ({"profile": "nvlink"}, ["'profile': input should be 'pcie', 'nvswitch' or 'rack', not 'nvlink'"]),
    ],
)
def test_what_no_node_can_be_is_refused(tmp_path: Path, change: dict[str, object], said: list[str]) -> None:
    assert complaints(folder_with(tmp_path, one={**WRITTEN, **change})) == said


def test_two_baselines_for_one_hardware_are_refused(tmp_path: Path) -> None:
    two = {**WRITTEN, "hardware": ["rtx-pro-6000-server-8"]}

    assert complaints(folder_with(tmp_path, a=two, b=two)) == [
        "'rtx-pro-6000-server-8' has a baseline already: a.yaml"
    ]


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("580.105.08-1", "580.105.08"),
        ("1:4.4.2-1", "4.4.2"),
        ("580.105.08", "580.105.08"),
        ("1:580.105.08-0ubuntu1", "580.105.08"),
    ],
)
def test_a_version_without_what_debian_adds(version: str, said: str) -> None:
    assert upstream(version) == said
