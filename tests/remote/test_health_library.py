"""Which driver the installed library belongs to, by the loader's own places and without loading it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.remote.gpu import library


@pytest.fixture(autouse=True)
def _no_path_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)


def installed(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    (folder / f"libnvidia-ml.so.{version}").touch()
    (folder / "libnvidia-ml.so.1").symlink_to(f"libnvidia-ml.so.{version}")
    return folder


def test_the_loader_s_cache_comes_before_the_usual_folders(tmp_path: Path) -> None:
    installed(tmp_path / "usr/lib/x86_64-linux-gnu", "570.172.08")
    installed(tmp_path / "opt/nvidia/lib", "580.105.08")
    cache = tmp_path / "etc/ld.so.cache"
    cache.parent.mkdir()
    cache.write_bytes(
        b"glibc-ld.so.cache1.1\0\7libm.so.6\0/lib/libm.so.6\0/opt/nvidia/lib/libnvidia-ml.so.1\0"
    )

    assert library.version(str(tmp_path)) == "580.105.08"


def test_the_usual_folders_do_without_a_cache(tmp_path: Path) -> None:
    installed(tmp_path / "usr/lib64", "535.261.03")

    assert library.version(str(tmp_path)) == "535.261.03"


def test_a_path_of_the_login_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path / "usr/lib64", "535.261.03")
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/nowhere:{installed(tmp_path / 'own', '595.58.03')}")

    assert library.version(str(tmp_path)) == "595.58.03"


def test_no_library_and_one_without_a_number_are_none(tmp_path: Path) -> None:
    empty = library.version(str(tmp_path))
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/libnvidia-ml.so.1").touch()

    assert (empty, library.version(str(tmp_path))) == (None, None)
