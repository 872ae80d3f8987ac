"""Who could have written a kept copy, what has become of it, and how many there are."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from edgectl.inventory.cache import Cache
from tests.unit.inventory.caching import found, keep, written


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return written(tmp_path / "inventory")


@pytest.fixture
def cache(tmp_path: Path, source: Path) -> Cache:
    return Cache(tmp_path / "cache", source)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.1, 0.3, 0.6, 0.9, 0.999999])
def test_a_damaged_copy_is_not_used(cache: Cache, share: float) -> None:
    keep(cache)
    content = bytearray(cache.path.read_bytes())
    content[int(share * len(content))] ^= 0x40
    cache.path.write_bytes(content)

    assert found(cache) is None


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_half_a_copy_is_not_used(cache: Cache, share: float) -> None:
    keep(cache)
    content = cache.path.read_bytes()
    cache.path.write_bytes(content[: int(share * len(content))])

    assert found(cache) is None


def test_what_others_could_have_written_is_not_used(cache: Cache) -> None:
    keep(cache)
    assert found(cache) is not None

    for path, mode in ((cache.path, 0o620), (cache.folder, 0o770)):
        was = path.stat().st_mode
        path.chmod(mode)
        assert found(cache) is None
        path.chmod(was)
    assert found(cache) is not None


def test_a_link_is_not_followed(cache: Cache, tmp_path: Path) -> None:
    keep(cache)
    elsewhere = cache.path.rename(tmp_path / "elsewhere")
    cache.path.symlink_to(elsewhere)

    assert found(cache) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a file to somebody else")
@pytest.mark.parametrize("whose", ["file", "folder"])
def test_what_somebody_else_owns_is_not_used(cache: Cache, whose: str) -> None:
    keep(cache)
    os.chown(cache.path if whose == "file" else cache.folder, 12345, 12345)

    assert found(cache) is None


def test_copy_and_folder_are_their_owners_alone(cache: Cache) -> None:
    was = os.umask(0)
    try:
        keep(cache)
    finally:
        os.umask(was)

    assert (cache.folder.stat().st_mode & 0o777, cache.path.stat().st_mode & 0o777) == (0o700, 0o600)


def test_another_inventory_in_the_same_place_is_told_apart(cache: Cache, tmp_path: Path) -> None:
    keep(cache)
    other = Cache(cache.folder, written(tmp_path / "other" / "inventory"))
    shutil.copy(cache.path, other.path)

    assert other.path != cache.path
    assert found(other) is None


def test_only_the_newest_copies_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    caches = [Cache(folder, written(tmp_path / str(number) / "inventory")) for number in range(10)]
    for number, cache in enumerate(caches):
        keep(cache)
        os.utime(cache.path, (number, number))
    (folder / ".left-behind").touch()
    keep(caches[0])

    assert len(list(folder.iterdir())) == 8
    assert found(caches[0]) is not None
    assert found(caches[1]) is None


@pytest.mark.parametrize("at", ["/proc/nowhere/cache", "/dev/null/cache"])
def test_a_folder_that_cannot_be_made_is_no_error(source: Path, at: str) -> None:
    cache = Cache(Path(at), source)
    keep(cache)

    assert found(cache) is None


def test_a_full_disk_leaves_the_old_copy_and_nothing_beside(cache: Cache) -> None:
    keep(cache)
    was = cache.path.read_bytes()
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        keep(cache)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)

    assert cache.path.read_bytes() == was
    assert [path.name for path in cache.folder.iterdir()] == [cache.path.name]
