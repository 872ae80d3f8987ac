from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.errors import MissingError
from edgectl.output.whole_file import written_whole


def test_the_new_content_takes_the_old_ones_place_for_everybody_to_read(tmp_path: Path) -> None:
    path = tmp_path / "edgectl.prom"
    path.write_text("old")
    with written_whole(path) as stream:
        stream.write("new")
        assert path.read_text() == "old"

    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "edgectl.prom"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        _fail_half_way(path)

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _fail_half_way(path: Path) -> None:
    with written_whole(path) as stream:
        stream.write("half")
        raise ZeroDivisionError


def test_a_folder_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(MissingError, match=r"cannot write .*none/x\.prom: no such file"),
        written_whole(tmp_path / "none" / "x.prom"),
    ):
        pass
