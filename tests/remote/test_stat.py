from __future__ import annotations

from pathlib import Path

from tests.remote.host import run_module, sha256


def test_a_file_is_described(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")

    result = run_module("stat", {"path": str(tmp_path / "f"), "checksum_algorithm": "sha256"})

    found = result.values["stat"]
    assert not result.changed
    assert (found["exists"], found["isreg"], found["size"], found["checksum"]) == (
        True,
        True,
        1,
        sha256(b"x"),
    )


def test_what_is_not_there_is_no_failure(tmp_path: Path) -> None:
    result = run_module("stat", {"path": str(tmp_path / "none")})

    assert (result.failed, result.values["stat"]) == (False, {"exists": False})


def test_a_link_shows_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "l").symlink_to("f")
    (tmp_path / "f").touch()

    found = run_module("stat", {"path": str(tmp_path / "l")}).values["stat"]

    assert (found["islnk"], found["lnk_target"], found["lnk_source"]) == (True, "f", str(tmp_path / "f"))


def test_the_flags_of_a_file_are_there_on_request(tmp_path: Path) -> None:
    found = run_module("stat", {"path": str(tmp_path), "get_attributes": True}).values["stat"]

    assert {"version", "attributes", "attr_flags"} <= set(found)
