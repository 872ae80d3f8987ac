from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from tests.remote.host import run_module


def fetched(src: Path, check: bool = False, **args: Any) -> Any:
    return run_module("fetch", {"src": str(src), "dest": "x", "local": "/here/f", **args}, check=check)


def test_a_files_content_comes_with_its_digests(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"hello\xff\n")

    result = fetched(tmp_path / "f")

    assert (result.changed, result.failed) == (False, False)
    assert base64.b64decode(result.values["content"]) == b"hello\xff\n"
    assert (result.values["dest"], len(result.values["checksum"])) == ("/here/f", 40)


def test_a_missing_file_fails_unless_that_is_allowed(tmp_path: Path) -> None:
    assert fetched(tmp_path / "f").failed
    assert "ignored" in fetched(tmp_path / "f", fail_on_missing=False).msg


def test_a_folder_and_what_is_too_large_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(16 * 1024 * 1024 + 1)

    assert "pack it first" in fetched(tmp_path).msg
    assert "16777217 bytes" in fetched(tmp_path / "large").msg
    assert "use scp" in fetched(tmp_path / "large", fail_on_missing=False).msg


def test_check_mode_brings_nothing(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")

    assert "content" not in fetched(tmp_path / "f", check=True).values
