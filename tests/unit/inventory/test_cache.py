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

NOW_NS = 2_000_000_000 * 10**9  # 2033: every file that a test has just written is old by then

FLEET = """\
defaults: {ssh: {user: edge, bastion: {address: 192.0.2.1, user: jump}}, vars: {a: 1, b: [x, {y: null}]}}
groups: {early: {hosts: "role=gpu", vars: {c: ü}}, nobody: "role=cache"}
racks: {small: {nodes: 2, hardware: l4-1, dpus: 1, labels: {kind: small}}}
"""
FRA = """\
pops:
  fra1:
    metro: FRA
    tz: Europe/Berlin
    state: maintenance
    window: {days: [tue, thu], start: "23:30", hours: 2.5}
    labels: {tier: gold}
    racks: {r1: {template: small, addresses: 10.0.0.0/28}}
    hosts:
      fra1-r1-n02: {vars: {c: 3}, ssh: {port: 23, bastion: null}}
      fra1-x1: {address: fra1-x1.example.net, labels: {rev: b}, host_key: ssh-ed25519 AAAA}
"""
SIN = "pops: {sin1: {hosts: {sin1-x1: {address: 10.0.1.1, hardware: l4-2}}}, empty1: {}}\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return _written(tmp_path / "inventory")


def _written(folder: Path) -> Path:
    for name, text in {"fleet.yaml": FLEET, "pops/fra.yaml": FRA, "pops/sin.yaml": SIN}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def cache(tmp_path: Path, source: Path) -> Cache:
    return Cache(tmp_path / "cache", source)


def _keep(cache: Cache, now_ns: int = NOW_NS) -> None:
    before = cache.stamps(now_ns)
    loaded = load_files(cache.source)
    cache.keep(packed(loaded.fleet), loaded.digests, before)


def _found(cache: Cache, now_ns: int = NOW_NS) -> Fleet | None:
    parts = cache.found(now_ns)
    return None if parts is None else unpacked(parts[0], parts[1], parts[2], cache.source)


def _answer(cache: Cache, now_ns: int) -> Fleet | str:
    """Return what a command would be told: from the cache, or else from the files."""
    kept = _found(cache, now_ns)
    return _read(cache.source) if kept is None else kept


def _read(source: Path) -> Fleet | str:
    try:
        return load(source)
    except InputError as error:
        return error.message


def test_nothing_was_kept_at_first(cache: Cache) -> None:
    assert _found(cache) is None


def test_the_kept_fleet_is_the_loaded_one(cache: Cache) -> None:
    _keep(cache)

    kept, loaded = _found(cache), load(cache.source)

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
    _keep(cache)

    assert _found(cache) == load(source)


@pytest.mark.parametrize(
    "pattern",
    ["fra1", "fra1-r1", "early", "tier=gold", "kind=small", "metro=FRA", "fra*", "sin1-x[1-1]", "~x1"],
)
def test_patterns_select_the_same_from_the_cache(cache: Cache, pattern: str) -> None:
    _keep(cache)
    kept, loaded = _found(cache), load(cache.source)
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
    _keep(cache)
    monkeypatch.chdir(tmp_path)

    kept = _found(Cache(cache.folder, Path("inventory")))

    assert kept == load(Path("inventory"))


def test_a_kept_host_travels_to_another_process(cache: Cache) -> None:
    _keep(cache)
    kept = _found(cache)
    assert kept is not None

    host = kept.hosts["fra1-r1-n02"]

    assert pickle.loads(pickle.dumps(host)) == host  # noqa: S301 - our own


def test_only_the_asked_pops_details_are_read(cache: Cache) -> None:
    _keep(cache)
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
    _keep(cache)
    edit(cache.source)

    assert _found(cache) is None


def test_a_file_that_only_looks_changed_is_no_reason_to_read_anew(cache: Cache) -> None:
    _keep(cache)
    for path in (cache.source / "pops").iterdir():
        path.write_bytes(path.read_bytes())

    assert _found(cache) == load(cache.source)


def test_files_that_looked_changed_once_are_trusted_again(cache: Cache) -> None:
    _keep(cache, now_ns=0)
    first = cache.path.read_bytes()
    assert _found(cache) is not None

    assert cache.path.read_bytes() != first
    assert _found(cache) is not None


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
    cache = Cache(folder / "cache", _written(folder / "inventory"))
    path = cache.source / name
    # Where files are as young as the reading, nothing but their content tells them apart.
    now_ns = path.stat().st_ctime_ns if is_young else NOW_NS
    _keep(cache, now_ns)
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
    _keep(cache, now_ns)
    stamps = dict(cache.stamps(now_ns))
    path.write_text(SIN.replace("10.0.1.1", "10.0.1.2"))

    kept = _answer(cache, now_ns)

    assert set(stamps.values()) == {"?"}
    assert isinstance(kept, Fleet)
    assert kept.hosts["sin1-x1"].address == "10.0.1.2"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.1, 0.3, 0.6, 0.9, 0.999999])
def test_a_damaged_copy_is_not_used(cache: Cache, share: float) -> None:
    _keep(cache)
    content = bytearray(cache.path.read_bytes())
    content[int(share * len(content))] ^= 0x40
    cache.path.write_bytes(content)

    assert _found(cache) is None


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_half_a_copy_is_not_used(cache: Cache, share: float) -> None:
    _keep(cache)
    content = cache.path.read_bytes()
    cache.path.write_bytes(content[: int(share * len(content))])

    assert _found(cache) is None


def test_what_others_could_have_written_is_not_used(cache: Cache) -> None:
    _keep(cache)
    assert _found(cache) is not None

    for path, mode in ((cache.path, 0o620), (cache.folder, 0o770)):
        was = path.stat().st_mode
        path.chmod(mode)
        assert _found(cache) is None
        path.chmod(was)
    assert _found(cache) is not None


def test_a_link_is_not_followed(cache: Cache, tmp_path: Path) -> None:
    _keep(cache)
    elsewhere = cache.path.rename(tmp_path / "elsewhere")
    cache.path.symlink_to(elsewhere)

    assert _found(cache) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a file to somebody else")
@pytest.mark.parametrize("whose", ["file", "folder"])
def test_what_somebody_else_owns_is_not_used(cache: Cache, whose: str) -> None:
    _keep(cache)
    os.chown(cache.path if whose == "file" else cache.folder, 12345, 12345)

    assert _found(cache) is None


def test_copy_and_folder_are_their_owners_alone(cache: Cache) -> None:
    was = os.umask(0)
    try:
        _keep(cache)
    finally:
        os.umask(was)

    assert (cache.folder.stat().st_mode & 0o777, cache.path.stat().st_mode & 0o777) == (0o700, 0o600)


def test_another_inventory_in_the_same_place_is_told_apart(cache: Cache, tmp_path: Path) -> None:
    _keep(cache)
    other = Cache(cache.folder, _written(tmp_path / "other" / "inventory"))
    shutil.copy(cache.path, other.path)

    assert other.path != cache.path
    assert _found(other) is None


def test_only_the_newest_copies_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    caches = [Cache(folder, _written(tmp_path / str(number) / "inventory")) for number in range(10)]
    for number, cache in enumerate(caches):
        _keep(cache)
        os.utime(cache.path, (number, number))
    (folder / ".left-behind").touch()
    _keep(caches[0])

    assert len(list(folder.iterdir())) == 8
    assert _found(caches[0]) is not None
    assert _found(caches[1]) is None


@pytest.mark.parametrize("at", ["/proc/nowhere/cache", "/dev/null/cache"])
def test_a_folder_that_cannot_be_made_is_no_error(source: Path, at: str) -> None:
    cache = Cache(Path(at), source)
    _keep(cache)

    assert _found(cache) is None


def test_a_full_disk_leaves_the_old_copy_and_nothing_beside(cache: Cache) -> None:
    _keep(cache)
    was = cache.path.read_bytes()
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        _keep(cache)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)

    assert cache.path.read_bytes() == was
    assert [path.name for path in cache.folder.iterdir()] == [cache.path.name]


def test_a_file_changed_while_it_was_read_is_read_again(cache: Cache) -> None:
    before = cache.stamps(NOW_NS)
    loaded = load_files(cache.source)
    (cache.source / "pops" / "sin.yaml").write_text(SIN.replace("sin1", "sin2"))
    cache.keep(packed(loaded.fleet), loaded.digests, before)

    assert _found(cache) is None


def test_a_file_that_came_while_it_was_read_keeps_nothing(cache: Cache) -> None:
    before = cache.stamps(NOW_NS)
    (cache.source / "pops" / "new.yaml").write_text("pops: {lhr1: {}}\n")
    loaded = load_files(cache.source)
    cache.keep(packed(loaded.fleet), loaded.digests, before)

    assert not cache.path.exists()
