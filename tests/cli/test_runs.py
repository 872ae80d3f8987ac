"""`runs` and `freeze` as a person meets them, on hosts that nobody can reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli_run import Edgectl

PLAY = "- hosts: all\n  gather_facts: false\n  tasks: [{shell: 'true', tags: [x]}]\n"


@pytest.fixture
def play(edgectl: Edgectl) -> Path:
    path = edgectl.home / "play.yaml"
    path.write_text(PLAY)
    return path


def latest(edgectl: Edgectl) -> dict[str, Any]:
    found: dict[str, Any] = edgectl("runs", "show", "-o", "json").report()["data"]
    return found


ASKED = [
    (["run", "-yv", "-ojson", "play.yaml"], ["run", "--", "play.yaml"]),
    (
        ["run", "play.yaml", "fra1", "-l", "fra1-n01", "--tags", "x", "-e", "a=1", "-e", "b=-2", "--diff"],
        [
            "run",
            "--limit=fra1-n01",
            "--diff",
            "--extra-vars=a=1",
            "--extra-vars=b=-2",
            "--tags=x",
            "--",
            "play.yaml",
            "fra1",
        ],
    ),
    (
        ["exec", "all", "--no-color", "--", "ls", "-l", "--", "a b"],
        ["exec", "--", "all", "ls", "-l", "--", "a b"],
    ),
]


@pytest.mark.parametrize(("words", "kept"), ASKED)
def test_a_run_keeps_how_it_was_asked_for(
    edgectl: Edgectl, play: Path, words: list[str], kept: list[str]
) -> None:
    assert play.exists()
    edgectl(*words)

    assert latest(edgectl)["argv"] == kept
    assert latest(edgectl)["cwd"] == str(edgectl.home)
    assert edgectl("runs", "resume").code == 5
    assert latest(edgectl)["argv"] == kept


def test_a_run_is_resumed_where_and_with_the_inventory_it_was_begun_with(
    edgectl: Edgectl, play: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    state = f"sqlite:///{tmp_path}/s.db"
    began = edgectl("run", play.name, "-i", "../inventory", "--state", state, "-o", "json")
    other = Edgectl(elsewhere, tmp_path / "none", {})

    resumed = other("runs", "resume", "--state", f"sqlite:///../{'s.db'}", "-o", "json")

    assert resumed.code == 5, resumed
    assert resumed.report()["run"] == began.report()["run"]
    assert resumed.report()["summary"] == began.report()["summary"]
    assert resumed.report()["command"] == "run"


def test_a_command_that_this_edgectl_does_not_know_any_more_is_told(edgectl: Edgectl, play: Path) -> None:
    edgectl("run", play, "--tags", "x")
    state = edgectl.home / ".local" / "state" / "edgectl" / "state.db"
    state.write_bytes(state.read_bytes().replace(b"--tags=x", b"--togs=x"))

    refused = edgectl("runs", "resume")

    assert refused.code == 3
    assert "this edgectl does not understand 'edgectl run --togs=x" in refused.err


def test_a_freeze_is_shown_by_who_and_why_until_it_is_lifted(edgectl: Edgectl, play: Path) -> None:
    assert edgectl("freeze").out == "no freeze is in force\n"
    begun = edgectl("freeze", "--reason", "sale", "--until", "2999-12-24T18:00", "-o", "json").report()

    assert [(one["reason"], one["until"][:10]) for one in begun["data"]["freezes"]] == [
        ("sale", "2999-12-24")
    ]
    assert "sale" in edgectl("freeze").out
    refused = edgectl("run", play, "-o", "json")
    assert refused.code == 6
    assert edgectl("runs", "list").out == "no runs yet\n"
    assert edgectl("ping").code == 5
    assert edgectl("run", play, "--check").code == 5
    edgectl("freeze", "--lift")
    assert edgectl("run", play).code == 5


def test_a_run_that_reached_nobody_is_not_stuck(edgectl: Edgectl, play: Path) -> None:
    edgectl("run", play)

    assert edgectl("runs", "list", "--stuck").out == "no run is without its end\n"
    assert edgectl("runs", "prune", "--older-than", "0s").out.startswith("1 run forgotten")
