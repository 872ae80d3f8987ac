from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.lab.pid1.commandline import (
    Command,
    expand,
    fill_in,
    parse_assignments,
    parse_command,
    read_environment_file,
)
from edgectl.lab.pid1.unitfile import load_unit, seconds


def _folders(tmp_path: Path) -> tuple[Path, Path]:
    folders = tmp_path / "etc", tmp_path / "lib"
    for folder in folders:
        folder.mkdir()
    return folders


def test_the_first_folder_wins_and_drop_ins_add(tmp_path: Path) -> None:
    etc, lib = _folders(tmp_path)
    (lib / "a.service").write_text("[Service]\nExecStart=/lib\n", encoding="utf-8")
    (etc / "a.service").write_text("[Service]\nExecStart=/etc\nExecStart=/two\n", encoding="utf-8")
    (lib / "a.service.d").mkdir()
    (lib / "a.service.d/x.conf").write_text("[Service]\nExecStart=\nExecStart=/dropped\n", encoding="utf-8")
    unit = load_unit("a.service", (etc, lib))
    assert unit.fragment == etc / "a.service"
    assert unit.all("Service", "ExecStart") == ["/dropped"]


def test_lines_continue_comments_do_not_count(tmp_path: Path) -> None:
    etc, lib = _folders(tmp_path)
    (etc / "a.service").write_text("# c\n[Unit]\nAfter=b.service \\\n  c.service\n;x=1\n", encoding="utf-8")
    assert load_unit("a.service", (etc, lib)).names("Unit", "After") == ["b.service", "c.service"]


def test_an_instance_is_read_from_its_template(tmp_path: Path) -> None:
    etc, lib = _folders(tmp_path)
    (lib / "e@.service").write_text("[Service]\nExecStart=/bin/e %i\n", encoding="utf-8")
    assert load_unit("e@chat.service", (etc, lib)).exists
    assert not load_unit("f@chat.service", (etc, lib)).exists


def test_a_link_to_dev_null_masks(tmp_path: Path) -> None:
    etc, lib = _folders(tmp_path)
    (lib / "a.service").write_text("[Service]\nExecStart=/a\n", encoding="utf-8")
    (etc / "a.service").symlink_to("/dev/null")
    assert load_unit("a.service", (etc, lib)).masked


@pytest.mark.parametrize(
    ("span", "expected"), [("90", 90), ("1min 30s", 90), ("500ms", 0.5), ("2h", 7200), ("", 5)]
)
def test_time_spans_are_read_as_systemd_does(span: str, expected: float) -> None:
    assert seconds(span, 5) == expected


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/bin/a 'b c' %i", Command(("/bin/a", "b c", "chat"))),
        ("-/bin/a", Command(("/bin/a",), ignore_failure=True)),
        ("@/bin/a argv0 x", Command(("/bin/a", "x"))),
        ("+-/bin/a 100%%", Command(("/bin/a", "100%"), ignore_failure=True)),
    ],
)
def test_command_lines_are_read_with_prefixes_and_specifiers(line: str, command: Command) -> None:
    assert parse_command(line, "e@chat.service") == command


def test_variables_alone_become_words_and_inside_become_text() -> None:
    command = Command(("/bin/a", "$MANY", "--x=${ONE}", "${NONE}"))
    assert fill_in(command, {"MANY": "a b", "ONE": "1 2"}) == ["/bin/a", "a", "b", "--x=1 2", ""]


def test_specifiers_know_prefix_and_instance() -> None:
    assert expand("%n %p %i %I %%", "e@a-b.service") == "e@a-b.service e a-b a/b %"


def test_environment_is_words_and_files_are_lines(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("# c\nA=1\nB='x y'\n\n", encoding="utf-8")
    assert parse_assignments(['A=1 "B=x y"', "C="]) == {"A": "1", "B": "x y", "C": ""}
    assert read_environment_file(str(tmp_path / "env")) == {"A": "1", "B": "x y"}
    assert read_environment_file(f"-{tmp_path}/none") == {}
