from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.lab.guest.apt_plan import (
    AptError,
    Archive,
    plan_autoremove,
    plan_install,
    plan_remove,
    plan_upgrade,
    refuse,
)
from edgectl.lab.guest.catalogue import Pin, load_catalogue, read_pins
from edgectl.lab.guest.packages import Package


def _archive(
    installed: dict[str, str] | None = None, pins: list[Pin] | None = None, held: str = ""
) -> Archive:
    packages = {
        name: Package(name, version, want="hold" if name == held else "install")
        for name, version in (installed or {}).items()
    }
    return Archive(load_catalogue(), packages, pins or [])


def test_every_dependency_of_the_catalogue_can_be_had() -> None:
    offers = load_catalogue()
    for offer in offers.values():
        for version in offer.versions:
            for needed in offer.depends_of(version):
                name, _, relation = needed.partition(" ")
                assert not relation or relation.strip("()= ") in offers[name].versions


def test_the_newest_version_comes_with_what_it_needs() -> None:
    plan = plan_install(["nvidia-open"], _archive())
    assert set(plan.install.values()) == {"580.105.08-1"}
    assert plan.automatic == {"nvidia-kernel-open-dkms", "nvidia-driver-cuda", "nvidia-persistenced"}


def test_a_pin_chooses_the_branch() -> None:
    pins = [Pin(("nvidia-*",), "575.*", 1000)]
    assert plan_install(["nvidia-open"], _archive(pins=pins)).install["nvidia-open"] == "575.57.08-1"


def test_only_a_pin_above_a_thousand_goes_back() -> None:
    installed = {"chrony": "4.3-2+deb12u1"}
    assert not plan_install(["chrony"], _archive(installed, [Pin(("chrony",), "4.3-2", 1000)])).install
    assert plan_install(["chrony"], _archive(installed, [Pin(("chrony",), "4.3-2", 1001)])).install == {
        "chrony": "4.3-2"
    }


def test_a_version_may_be_a_prefix() -> None:
    assert plan_install(["nvidia-open=580.95*"], _archive()).install["nvidia-open"] == "580.95.05-1"


@pytest.mark.parametrize(
    ("word", "message"),
    [("none", "Unable to locate package none"), ("curl=9", "Version '9' for 'curl' was not found")],
)
def test_what_is_not_there_is_said(word: str, message: str) -> None:
    with pytest.raises(AptError, match=message):
        plan_install([word], _archive())


def test_what_is_newest_or_held_is_left_alone() -> None:
    assert plan_install(["tree"], _archive({"tree": "2.1.0-1"})).newest_already == ["tree"]
    assert not plan_install(["jq"], _archive({"jq": "1.6-2.1"}, held="jq")).install
    assert plan_upgrade(_archive({"jq": "1.6-2.1"}, held="jq")).kept == ["jq"]


def test_only_upgrade_installs_nothing_new() -> None:
    assert not plan_install(["tree"], _archive(), only_upgrade=True).install


def test_holds_and_downgrades_need_their_own_permission() -> None:
    archive = _archive({"jq": "1.6-2.1+deb12u1"}, held="jq")
    plan = plan_install(["jq=1.6-2.1"], archive)
    with pytest.raises(AptError, match="Held packages"):
        refuse(plan, archive, downgrades=True, held=False)
    with pytest.raises(AptError, match="downgraded"):
        refuse(plan, archive, downgrades=False, held=True)
    refuse(plan, archive, downgrades=True, held=True)


def test_what_needs_a_removed_package_goes_with_it() -> None:
    archive = _archive({"libnvidia-container1": "1.18.1-1", "nvidia-container-toolkit": "1.18.1-1"})
    archive.packages["nvidia-container-toolkit"].depends = ["libnvidia-container1 (= 1.18.1-1)"]
    assert plan_remove(["libnvidia-container1"], archive).remove == [
        "libnvidia-container1",
        "nvidia-container-toolkit",
    ]


def test_autoremove_takes_what_nobody_needs() -> None:
    archive = _archive({"tree": "2.1.0-1", "jq": "1.6-2.1"})
    assert plan_autoremove({"jq"}, archive).remove == ["jq"]


def test_pins_are_read_as_apt_reads_them(tmp_path: Path) -> None:
    (tmp_path / "a.pref").write_text("Package: a b*\nPin: version 1.*\nPin-Priority: 900\n", encoding="utf-8")
    (tmp_path / "b.bak").write_text("Package: c\nPin: version 1\nPin-Priority: 900\n", encoding="utf-8")
    assert read_pins(str(tmp_path)) == [Pin(("a", "b*"), "1.*", 900)]
