"""What was built once is read the next time, and nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgectl.ssh.bundle import bundle
from edgectl.ssh.bundle_shelf import BundleShelf

MODULES, NEEDS = frozenset({"ping"}), frozenset[str]()


def test_a_bundle_is_kept_and_read_again(tmp_path: Path) -> None:
    built = BundleShelf(tmp_path / "bundles").bundle(MODULES, NEEDS)

    (path,) = (tmp_path / "bundles").iterdir()
    before = path.stat()
    assert BundleShelf(tmp_path / "bundles").bundle(MODULES, NEEDS) == built == bundle(MODULES, NEEDS)
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_other_modules_are_another_bundle(tmp_path: Path) -> None:
    shelf = BundleShelf(tmp_path)

    assert shelf.bundle(MODULES, NEEDS) != shelf.bundle(MODULES | {"copy"}, NEEDS)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"not a zlib stream"])
def test_a_damaged_one_is_built_again_and_mended(tmp_path: Path, damage: bytes) -> None:
    BundleShelf(tmp_path).bundle(MODULES, NEEDS)
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage)

    assert BundleShelf(tmp_path).bundle(MODULES, NEEDS) == bundle(MODULES, NEEDS)
    assert path.read_bytes() == bundle(MODULES, NEEDS).content


def test_what_others_may_write_to_is_not_read(tmp_path: Path) -> None:
    BundleShelf(tmp_path).bundle(MODULES, NEEDS)
    (path,) = tmp_path.iterdir()
    path.write_bytes(bundle(MODULES | {"copy"}, NEEDS).content)
    tmp_path.chmod(0o777)

    assert BundleShelf(tmp_path).bundle(MODULES, NEEDS) == bundle(MODULES, NEEDS)


def test_where_nothing_can_be_kept_each_process_builds_its_own(tmp_path: Path) -> None:
    (tmp_path / "bundles").write_text("in the way")

    assert BundleShelf(tmp_path / "bundles").bundle(MODULES, NEEDS) == bundle(MODULES, NEEDS)


def test_the_oldest_go_once_there_are_many(tmp_path: Path) -> None:
    for number in range(80):
        (tmp_path / f"{number:02}").touch()
        os.utime(tmp_path / f"{number:02}", (number, number))
    BundleShelf(tmp_path).bundle(MODULES, NEEDS)

    assert len(list(tmp_path.iterdir())) == 64
    assert not (tmp_path / "16").exists()
