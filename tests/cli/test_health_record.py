"""`health` and its record as people and cron meet it, on hosts that nobody can reach."""

from __future__ import annotations

import pytest

from tests.cli_run import Edgectl

SNOOZE = ["health", "snooze", "fra1", "pcie-width"]


def test_a_host_out_of_reach_is_remembered_from_one_run_to_the_next(edgectl: Edgectl) -> None:
    assert [edgectl("health", "all").code for _ in range(2)] == [5, 5]

    history = edgectl("health", "history", "fra1-n01", "-o", "json").report()["data"]
    assert [(one["finding"], one["turn"]) for one in history["changes"]] == [("unreachable", "entered")]
    assert "unreachable" in edgectl("health", "fleet").out
    assert edgectl("health", "explain", "fra1-n01/unreachable").code == 0


def test_a_look_without_history_leaves_no_trace(edgectl: Edgectl) -> None:
    edgectl("health", "all", "--no-history")

    ended = edgectl("health", "history", "fra1-n01")
    assert (ended.code, "nobody looked at the host 'fra1-n01' yet" in ended.err) == (3, True)


def test_a_snooze_is_made_listed_and_lifted(edgectl: Edgectl) -> None:
    made = edgectl(*SNOOZE, "--reason", "risers come", "--for", "7d")
    assert (made.code, "snoozed at 2 hosts" in made.out) == (0, True)

    (one,) = edgectl("health", "snoozes", "-o", "json").report()["data"]["snoozes"]
    assert (one["hosts"], one["finding"], one["reason"]) == ("fra1", "pcie-width", "risers come")
    assert edgectl("health", "unsnooze", "fra1", "pcie-width").code == 0
    assert edgectl("health", "unsnooze", "fra1", "pcie-width").code == 3
    assert "nothing is snoozed" in edgectl("health", "snoozes").out


def test_forgetting_tells_what_was_forgotten(edgectl: Edgectl) -> None:
    edgectl("health", "all")

    assert edgectl("health", "prune").out.startswith("0 weeks of cards, 0 cards and nodes, and 0 changes")


WRONG = [
    ([*SNOOZE, "--for", "7d"], 2, "--reason"),
    ([*SNOOZE, "--reason", "x"], 2, "a snooze wants an end"),
    ([*SNOOZE, "--reason", "x", "--for", "1000d"], 2, "90 days at most"),
    (
        ["health", "snooze", "fra1", "pci-width", "--reason", "x", "--for", "7d"],
        3,
        "did you mean 'pcie-width'",
    ),
    (["health", "snooze", "gru1", "pcie-width", "--reason", "x", "--for", "7d"], 3, "gru1"),
    (["health", "all", "--shadow", "pci-width"], 2, "did you mean 'pcie-width'"),
    (["health", "explain", "pci-width"], 3, "did you mean 'pcie-width'"),
    (["health", "explain", "fra1-heat"], 3, "edgectl health fleet"),
    (["health", "explain", "fra1-n01/ecc-off"], 3, "has no finding 'ecc-off' on record"),
    (["health", "prune", "--looks", "long"], 2, "no duration"),
]


@pytest.mark.parametrize(("words", "code", "said"), WRONG)
def test_what_cannot_be_meant_is_told_with_its_code(
    edgectl: Edgectl, words: list[str], code: int, said: str
) -> None:
    ended = edgectl(*words)

    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
