"""Bad inventories, by the table in tests/cases/inventory.yaml: every complaint with place and text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.errors import ExitCode, InputError
from edgectl.inventory.loader import load

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "inventory.yaml").read_text(encoding="utf-8"))


def _told(source: Path, **options: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(source, **options)
    assert caught.value.exit_code is ExitCode.INPUT
    return [str(problem).replace(f"{source}/", "") for problem in caught.value.problems]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["is"]) for case in CASES])
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, case: dict[str, Any]) -> None:
    for name, text in case["files"].items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    assert _told(tmp_path, hardware=case.get("hardware", ())) == case["problems"]


def test_a_folder_without_files_says_how_to_get_some(tmp_path: Path) -> None:
    assert _told(tmp_path) == [f"{tmp_path}:1:1   no *.yaml and no pops/*.yaml in this folder"]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert _told(tmp_path / "nowhere") == [f"{tmp_path}/nowhere:1:1   there is no such file"]


def test_fifty_megabytes_of_garbage_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    with path.open("wb") as file:
        file.truncate(50 * 2**20)

    assert _told(tmp_path) == ["fleet.yaml:1:1   the file is larger than 16 MiB; split it or name another"]


def test_text_that_is_not_utf8_is_told_by_its_byte(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_bytes("pops:\n  fra1: {}  # Ümlaut\n".encode("latin-1"))

    assert _told(tmp_path) == ["fleet.yaml:2:15   byte 0xdc is not UTF-8; save the file as UTF-8"]


def test_a_caller_says_which_names_are_words_of_its_command_line(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("pops: {fra1: {}}\n", encoding="utf-8")

    told = _told(tmp_path, reserved={"fra1"})

    assert told == ["fleet.yaml:1:8   a PoP cannot be called 'fra1', which is a word of the command line"]
