from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from tests.remote.host import run_module


def test_a_file_comes_as_base64_whatever_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\x00\xff\n")

    result = run_module("slurp", {"src": str(tmp_path / "f")})

    assert base64.b64decode(result.values["content"]) == b"\x00\xff\n"
    assert (result.changed, result.values["encoding"], result.values["source"]) == (
        False,
        "base64",
        str(tmp_path / "f"),
    )


@pytest.mark.parametrize("kind", ["none", "folder", "pipe", "huge"])
def test_what_cannot_be_brought_is_a_failure_that_says_why_and_never_hangs(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "huge":
        with path.open("wb") as stream:
            stream.truncate(17 * 1024 * 1024)

    result = run_module("slurp", {"src": str(path)})

    assert result.failed
    assert str(path) in result.msg
