from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from tests.remote.host import run_module, tree


def rendered(dest: Path | str, check: bool = False, **args: Any) -> Any:
    given = {"src": "templates/app.conf.j2", "content": "a=1\nb=2\n", "dest": str(dest), **args}
    return run_module("template", given, check=check, diff=True)


def test_the_rendered_text_is_placed_once(tmp_path: Path) -> None:
    first, second = rendered(tmp_path / "f", mode="0640"), rendered(tmp_path / "f", mode="0640")

    assert (first.changed, second.changed) == (True, False)
    assert (tmp_path / "f").read_text() == "a=1\nb=2\n"
    assert first.values["mode"] == "0640"
    assert first.diff["after"] == "a=1\nb=2\n"


def test_in_a_folder_the_template_keeps_its_name(tmp_path: Path) -> None:
    assert rendered(tmp_path).values["dest"] == str(tmp_path / "app.conf.j2")


@pytest.mark.parametrize("newline", ["\r\n", "\\r\\n"])
def test_lines_end_as_asked(newline: str, tmp_path: Path) -> None:
    rendered(tmp_path / "f", newline_sequence=newline)

    assert (tmp_path / "f").read_bytes() == b"a=1\r\nb=2\r\n"


def test_another_line_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError):
        rendered(tmp_path / "f", newline_sequence="x")


def test_mode_preserve_is_the_templates_mode(tmp_path: Path) -> None:
    assert rendered(tmp_path / "f", mode="preserve", source_mode="0604").values["mode"] == "0604"


def test_check_mode_and_a_failed_validation_leave_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    before = tree(tmp_path)

    assert rendered(tmp_path / "f", check=True).changed
    assert rendered(tmp_path / "f", validate="false %s").failed
    assert tree(tmp_path) == before


def test_a_link_is_replaced_or_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "l").symlink_to("target")

    rendered(tmp_path / "l", follow=True)
    assert (tmp_path / "l").is_symlink()
    assert (tmp_path / "target").read_text() == "a=1\nb=2\n"
    rendered(tmp_path / "l")
    assert not (tmp_path / "l").is_symlink()
