from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.remote import standin_smi
from tests.remote.host import path_with, program, run_module

GPU = {
    "persistence": False,
    "power": 600.0,
    "low": 300.0,
    "high": 600.0,
    "ecc": True,
    "ecc_pending": True,
    "mig": False,
    "mig_pending": False,
    "parts": [],
}


class Cards:
    """Two GPUs behind a stand-in for nvidia-smi."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        text = Path(standin_smi.__file__).read_text()
        program(self.bin, "nvidia-smi", f"#!{sys.executable}\n{text}")
        gpus = [{**GPU, "index": number} for number in range(2)]
        self._write({"down": False, "busy": False, "fails": [], "lies": [], "calls": [], "gpus": gpus})

    def _write(self, state: dict[str, Any]) -> None:
        (self.bin / "state.json").write_text(json.dumps(state))

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.bin / "state.json").read_text())
        return state

    def are(self, **more: Any) -> None:
        self._write({**self.state, **more})

    def each(self, **more: Any) -> None:
        self.are(gpus=[{**gpu, **more} for gpu in self.state["gpus"]])

    def reset(self) -> None:
        for gpu in (state := self.state)["gpus"]:
            gpu.update(ecc=gpu["ecc_pending"], mig=gpu["mig_pending"])
        self._write(state)

    def all(self, name: str) -> list[Any]:
        return [gpu[name] for gpu in self.state["gpus"]]

    def set(self, *, check: bool = False, **wanted: Any) -> Any:
        return run_module("gpu_settings", wanted, check=check, environment=path_with(self.bin))


@pytest.fixture
def cards(tmp_path: Path) -> Cards:
    return Cards(tmp_path)


def test_what_holds_at_once_is_set_once_and_waits_for_nothing(cards: Cards) -> None:
    first, second = (cards.set(persistence=True, power_limit_w=450) for _ in range(2))

    assert (first.changed, second.changed, first.values["reboot_due"]) == (True, False, False)
    assert (cards.all("persistence"), cards.all("power")) == ([True, True], [450.0, 450.0])
    assert first.values["changes"] == [
        "GPU 0: persistence on",
        "GPU 0: power limit 450 W",
        "GPU 1: persistence on",
        "GPU 1: power limit 450 W",
    ]


def test_a_check_tells_and_sets_nothing(cards: Cards) -> None:
    assert cards.set(persistence=True, mig=["1g.24gb"], check=True).changed
    assert cards.all("persistence") == [False, False]
    assert not any("-pm" in call for call in cards.state["calls"])


def test_ecc_is_pending_until_a_reset_and_not_set_twice(cards: Cards) -> None:
    first, waiting = cards.set(ecc=False), cards.set(ecc=False)

    assert (first.changed, first.values["reset_due"], first.values["reboot_due"]) == (True, ["0", "1"], True)
    assert (waiting.changed, waiting.values["reset_due"]) == (False, ["0", "1"])
    cards.reset()
    assert cards.set(ecc=False).values == {"reset_due": [], "reboot_due": False, "changes": []}


def test_a_pending_change_that_is_not_wanted_any_more_is_taken_back(cards: Cards) -> None:
    cards.each(ecc_pending=False)

    assert cards.set(ecc=True).changed
    assert cards.all("ecc_pending") == [True, True]
    assert cards.set(ecc=True).values["reset_due"] == []


def test_a_gpu_is_split_in_one_run_where_it_can_be(cards: Cards) -> None:
    halves = ["2g.48gb", "2g.48gb"]
    first, second = cards.set(mig=halves), cards.set(mig=halves)

    assert (first.failed, first.changed, second.changed) == (False, True, False), first
    assert cards.all("parts") == [halves, halves]


def test_a_gpu_in_use_is_split_after_its_reset(cards: Cards) -> None:
    cards.are(busy=True)
    first = cards.set(mig=["1g.24gb"])

    assert (first.failed, first.values["reset_due"], cards.all("parts")) == (False, ["0", "1"], [[], []])
    cards.are(busy=False)
    cards.reset()
    second = cards.set(mig=["1g.24gb"])
    assert (second.changed, second.values["reset_due"]) == (True, [])
    assert cards.all("parts") == [["1g.24gb"], ["1g.24gb"]]


def test_another_layout_replaces_the_old_one_and_none_makes_gpus_whole(cards: Cards) -> None:
    cards.set(mig=["1g.24gb", "1g.24gb"])

    assert cards.set(mig=["4g.96gb"]).changed
    assert cards.all("parts") == [["4g.96gb"]] * 2
    assert cards.set(mig=[]).changed
    assert (cards.all("parts"), cards.all("mig")) == ([[], []], [False, False])


@pytest.mark.parametrize(
    ("option", "wanted", "said"),
    [
        ("-pm", {"persistence": True}, "GPU 0: persistence on"),
        ("-pl", {"power_limit_w": 400}, "GPU 0: power limit 400 W"),
        ("-e", {"ecc": False}, "GPU 0: ECC off from the next reset on"),
        ("-mig", {"mig": ["1g.24gb"]}, "GPU 0: MIG on"),
        ("-cgi", {"mig": ["1g.24gb"]}, "GPU 0: split into 1g.24gb"),
    ],
)
@pytest.mark.parametrize("how", ["lies", "fails"])
def test_what_was_not_taken_is_a_failure_that_is_named_whatever_it_said(
    cards: Cards, option: str, wanted: dict[str, Any], said: str, how: str
) -> None:
    cards.are(**{how: [option]})
    done = cards.set(**wanted)

    assert done.failed
    assert f"still to do: {said}" in done.msg
    assert ("Insufficient Permissions" in done.msg) == (how == "fails")


@pytest.mark.parametrize(
    ("card", "wanted", "said"),
    [
        ({}, {"power_limit_w": 250}, "GPU 0 takes 300 to 600 W, not 250"),
        ({"ecc": None}, {"ecc": True}, "GPU 0 has no ECC"),
        ({"mig": None}, {"mig": ["1g.5gb"]}, "GPU 0 cannot be split"),
        ({}, {"gpus": 8}, "2 GPUs answer, 8 should"),
    ],
)
def test_what_no_card_here_can_be_is_refused_before_anything_is_set(
    cards: Cards, card: dict[str, Any], wanted: dict[str, Any], said: str
) -> None:
    cards.each(**card)
    done = cards.set(persistence=True, **wanted)

    assert said in done.msg
    assert cards.all("persistence") == [False, False]


def test_no_mig_is_no_complaint_where_none_is_wanted(cards: Cards) -> None:
    cards.each(mig=None, mig_pending=None)

    assert not cards.set(mig=[]).changed


def test_a_driver_that_does_not_answer_is_a_failure(cards: Cards) -> None:
    cards.are(down=True)

    assert "couldn't communicate" in cards.set(persistence=True).msg
