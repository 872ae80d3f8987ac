"""The cache gives the files' own answer or none, whatever happens to the files or to the cache."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgectl.errors import InputError
from edgectl.inventory.cache import Cache
from edgectl.inventory.loader import load, load_files
from edgectl.inventory.model import Fleet
from edgectl.inventory.packing import packed
from edgectl.inventory.pattern import select
from edgectl.inventory.unpacking import unpacked
from tests.unit.inventory.caching import NOW_NS, SIN, found, keep, written


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return written(tmp_path / "inventory")


@pytest.fixture
def cache(tmp_path: Path, source: Path) -> Cache:
    return Cache(tmp_path / "cache", source)


def _answer(cache: Cache, now_ns: int) -> Fleet | str:
    """Return what a command would be told: from the cache, or else from the files."""
    kept = found(cache, now_ns)
    return _read(cache.source) if kept is None else kept


def _read(source: Path) -> Fleet | str:
    try:
        return load(source)
    except InputError as error:
        return error.message


def test_nothing_was_kept_at_first(cache: Cache) -> None:
    assert found(cache) is None


def test_the_kept_fleet_is_the_loaded_one(cache: Cache) -> None:
    keep(cache)

    kept, loaded = found(cache), load(cache.source)

    assert kept == loaded
    assert kept is not None
    assert list(kept.hosts) == list(loaded.hosts)
    assert list(kept.pops) == list(loaded.pops)
    assert list(kept.racks) == list(loaded.racks)
    assert [dict(host.origins) for host in kept.hosts.values()] == [
        dict(host.origins) for host in loaded.hosts.values()
    ]
    assert [list(host.vars) for host in kept.hosts.values()] == [
        list(host.vars) for host in loaded.hosts.values()
    ]
    assert "empty1" in kept.pops
    assert "fra1-r9" not in kept.racks
    assert "fra1-r1-n99" not in kept.hosts


def test_one_file_is_an_inventory_too(tmp_path: Path) -> None:
    source = tmp_path / "fleet.yaml"
    source.write_text(SIN)
    cache = Cache(tmp_path / "cache", source)
    keep(cache)

    assert found(cache) == load(source)


@pytest.mark.parametrize(
    "pattern",
    ["fra1", "fra1-r1", "early", "tier=gold", "kind=small", "metro=FRA", "fra*", "sin1-x[1-1]", "~x1"],
)
def test_patterns_select_the_same_from_the_cache(cache: Cache, pattern: str) -> None:
    keep(cache)
    kept, loaded = found(cache), load(cache.source)
    assert kept is not None

    def told(fleet: Fleet) -> object:
        try:
            return select(fleet, pattern)
        except InputError as error:
            return error.message

    assert told(kept) == told(loaded)


def test_places_are_told_as_the_inventory_is_called_now(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(cache)
    monkeypatch.chdir(tmp_path)

    kept = found(Cache(cache.folder, Path("inventory")))

    assert kept == load(Path("inventory"))


def test_a_kept_host_travels_to_another_process(cache: Cache) -> None:
    keep(cache)
    kept = found(cache)
    assert kept is not None

    host = kept.hosts["fra1-r1-n02"]

    assert pickle.loads(pickle.dumps(host)) == host  # noqa: S301 - our own


def test_only_the_asked_pops_details_are_read(cache: Cache) -> None:
    keep(cache)
    parts = cache.found(NOW_NS)
    assert parts is not None
    index, shared, details = map(bytes, parts)
    last = json.loads(index)["ends"][-2]
    fleet = unpacked(index, shared, details[:last] + b"?" * len(details[last:]), cache.source)

    assert select(fleet, "fra1") == select(load(cache.source), "fra1")
    with pytest.raises(zlib.error):
        select(fleet, "sin1")


def _to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _to_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text(SIN)


EDITS = {
    "a new file": lambda folder: (folder / "pops" / "new.yaml").write_text("pops: {lhr1: {}}\n"),
    "a file with the wrong ending": lambda folder: (folder / "pops" / "new.yml").write_text("pops: {}\n"),
    "a file less": lambda folder: (folder / "pops" / "sin.yaml").unlink(),
    "a file renamed": lambda folder: (folder / "pops" / "sin.yaml").rename(folder / "sin.yaml"),
    "a folder where a file was": lambda folder: _to_folder(folder / "pops" / "sin.yaml"),
    "no inventory at all": shutil.rmtree,
    "a file instead of the folder": _to_file,
    "a link that leads nowhere": lambda folder: (folder / "x.yaml").symlink_to("nowhere"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_another_set_of_files_is_read_anew(cache: Cache, edit: object) -> None:
    assert callable(edit)
    keep(cache)
    edit(cache.source)

    assert found(cache) is None


def test_a_file_that_only_looks_changed_is_no_reason_to_read_anew(cache: Cache) -> None:
    keep(cache)
    for path in (cache.source / "pops").iterdir():
        path.write_bytes(path.read_bytes())

    assert found(cache) == load(cache.source)


def test_files_that_looked_changed_once_are_trusted_again(cache: Cache) -> None:
    keep(cache, now_ns=0)
    first = cache.path.read_bytes()
    assert found(cache) is not None

    assert cache.path.read_bytes() != first
    assert found(cache) is not None


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=st.sampled_from(["fleet.yaml", "pops/fra.yaml", "pops/sin.yaml"]),
    where=st.floats(0, 1, exclude_max=True),
    byte=st.integers(0, 255),
    how=st.sampled_from(["in place", "renamed over", "time set back"]),
    is_young=st.booleans(),
)
def test_any_other_byte_gives_the_files_own_answer(
    tmp_path_factory: pytest.TempPathFactory, name: str, where: float, byte: int, how: str, is_young: bool
) -> None:
    folder = tmp_path_factory.mktemp("one")
    cache = Cache(folder / "cache", written(folder / "inventory"))
    path = cache.source / name
    # Where files are as young as the reading, nothing but their content tells them apart.
    now_ns = path.stat().st_ctime_ns if is_young else NOW_NS
    keep(cache, now_ns)
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] = byte
    _let_tick(path)
    _replace(path, bytes(content), how)
    if how == "time set back":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert _answer(cache, now_ns) == _read(cache.source)


def _let_tick(path: Path) -> None:
    """Return once the file system's clock has gone on, as it has where files are as old as this test pretends."""
    probe = path.with_suffix(".probe")
    probe.touch()
    while probe.stat().st_ctime_ns <= path.stat().st_ctime_ns:
        probe.touch()


def _replace(path: Path, content: bytes, how: str) -> None:
    if how == "renamed over":
        beside = path.with_suffix(".new")
        beside.write_bytes(content)
        beside.rename(path)
    else:
        path.write_bytes(content)


def test_a_change_that_the_file_system_does_not_show_is_seen_in_young_files(cache: Cache) -> None:
    path = cache.source / "pops" / "sin.yaml"
    now_ns = path.stat().st_ctime_ns + 10**9
    keep(cache, now_ns)
    stamps = dict(cache.stamps(now_ns))
    path.write_text(SIN.replace("10.0.1.1", "10.0.1.2"))

    kept = _answer(cache, now_ns)

    assert set(stamps.values()) == {"?"}
    assert isinstance(kept, Fleet)
    assert kept.hosts["sin1-x1"].address == "10.0.1.2"


def test_a_file_changed_while_it_was_read_is_read_again(cache: Cache) -> None:
    before = cache.stamps(NOW_NS)
    loaded = load_files(cache.source)
    (cache.source / "pops" / "sin.yaml").write_text(SIN.replace("sin1", "sin2"))
    cache.keep(packed(loaded.fleet), loaded.digests, before)

    assert found(cache) is None


def test_a_file_that_came_while_it_was_read_keeps_nothing(cache: Cache) -> None:
    before = cache.stamps(NOW_NS)
    (cache.source / "pops" / "new.yaml").write_text("pops: {lhr1: {}}\n")
    loaded = load_files(cache.source)
    cache.keep(packed(loaded.fleet), loaded.digests, before)

    assert not cache.path.exists()
