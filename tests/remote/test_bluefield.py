"""BlueFields from their host: consoles matched, modes compared, and a push judged by what the card itself says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote import registry
from edgectl.remote.args import ArgumentError, build
from edgectl.remote.context import HostPaths, TaskContext
from edgectl.remote.proc import Proc
from edgectl.remote.tasks._rshim import judged, newer
from tests.nvml.tree import BlueField, Machine, tree
from tests.remote.fake_rshim import GOOD, HALF, INSTALLING, RUNNING, FakeRshim

IMAGE = b"bfb" * 100_000
DIGEST = hashlib.sha256(IMAGE).hexdigest()


class Host:
    """A host with cards, whose consoles are played."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.image = folder / "image.bfb"
        self.image.write_bytes(IMAGE)

    def card(self, number: int = 0, plays: Iterable[str] = GOOD, mode: str = "DPU mode") -> FakeRshim:
        buses = ("b1", "c1")
        dpus = tuple(BlueField(bus, rshim=False) for bus in buses[: number + 1])
        tree(self.folder, "l4", 0, "580", Machine(driver="", dpus=dpus))
        return FakeRshim(self.folder, number, f"0000:{buses[number]}:00", plays, mode)

    def bluefield(self, *, check: bool = False, **given: Any) -> Any:
        module = registry.load("bluefield")
        paths = HostPaths(*[f"{self.folder}/{name}" for name in HostPaths._fields])
        args = build(module.Args, {"count": 1, "root": str(self.folder), **given})
        return module.run(args, TaskContext(check, False, Proc({}), paths, {}))

    def flash(self, *, check: bool = False, **given: Any) -> Any:
        wanted = {"state": "flashed", "image": str(self.image), "sha256": DIGEST, "within": 20}
        return self.bluefield(check=check, **{**wanted, **given})

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("machine/bluefield/*"))]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_flash_is_not_to_be_repeated() -> None:
    assert registry.load("bluefield").REPEAT == "once"


def test_each_card_has_one_console_and_each_console_one_card(host: Host) -> None:
    host.card(0)
    host.card(1)
    found = host.bluefield(count=2)

    assert not found.failed, found
    assert [(card["pci_bus_id"], card["rshim"]) for card in found.values["cards"]] == [
        ("00000000:B1:00.0", "rshim0"),
        ("00000000:C1:00.0", "rshim1"),
    ]


def test_fewer_cards_than_promised_are_a_failure(host: Host) -> None:
    host.card()

    assert "PCI shows 1 BlueFields, 2 should be there" in host.bluefield(count=2).msg


def test_a_card_without_console_is_a_failure(host: Host) -> None:
    tree(host.folder, "l4", 0, "580", Machine(driver="", dpus=(BlueField("b1", rshim=False),)))

    assert "0000:b1:00 has none: is rshim running?" in host.bluefield().msg


def test_two_consoles_that_claim_one_card_are_a_failure(host: Host) -> None:
    host.card()
    FakeRshim(host.folder, 3, "0000:b1:00")

    assert "rshim0 and rshim3 both say 0000:b1:00" in host.flash().msg


def test_a_console_of_a_card_that_is_not_there_is_a_failure(host: Host) -> None:
    host.card()
    FakeRshim(host.folder, 3, "0000:d1:00")

    assert "rshim3 is of 0000:d1:00" in host.flash().msg


@pytest.mark.parametrize(("mode", "said"), [("NIC mode", "nic"), ("Unknown", "an unknown")])
def test_what_is_not_in_dpu_mode_is_never_pushed_to(host: Host, mode: str, said: str) -> None:
    card = host.card(mode=mode)
    card.listen()

    assert f"is in {said} mode, dpu is wanted" in host.flash().msg
    assert (card.pushes, host.records) == ([], [])


def test_a_flash_of_cards_in_nic_mode_cannot_even_be_asked_for(host: Host) -> None:
    host.card(mode="NIC mode")

    assert not host.bluefield(mode="nic").failed
    with pytest.raises(ArgumentError, match="takes no image"):
        host.flash(mode="nic")


def test_a_push_is_good_when_the_console_says_so_and_is_not_done_twice(host: Host) -> None:
    card = host.card()
    card.listen()
    first, second = host.flash(), host.flash()

    assert (first.failed, first.changed, second.changed) == (False, True, False), first
    assert card.pushes == [DIGEST]
    assert [(record["sha256"], record["state"]) for record in host.records] == [(DIGEST, "done")]


def test_a_configuration_goes_behind_the_image(host: Host) -> None:
    card = host.card()
    card.listen()
    (host.folder / "bf.cfg").write_text("ubuntu_PASSWORD='x'\n")
    host.flash(config=str(host.folder / "bf.cfg"))

    assert card.pushes == [hashlib.sha256(IMAGE + b"ubuntu_PASSWORD='x'\n").hexdigest()]


def test_a_push_that_ended_well_with_a_failed_firmware_part_has_failed(host: Host) -> None:
    card = host.card(plays=HALF)
    card.listen()
    done = host.flash()

    assert done.failed
    assert "its console says: INFO[MISC]: NIC firmware update failed" in done.msg
    assert [record["state"] for record in host.records] == ["failed"]


def test_a_card_that_never_gets_ready_has_failed_and_says_how_far_it_came(host: Host) -> None:
    host.card(plays=INSTALLING).listen()
    done = host.flash(within=4)

    assert "it did not say 'Linux up' and 'DPU is ready' within 4 s" in done.msg
    assert "the last it said is: INFO[MISC]: Updating NIC firmware..." in done.msg


def test_what_the_console_said_before_the_push_proves_nothing(host: Host) -> None:
    card = host.card(plays=[*RUNNING[:2]])
    card.listen()

    assert "did not say 'Linux up' and 'DPU is ready'" in host.flash(within=2).msg


def test_a_card_that_takes_nothing_is_given_up_at_the_deadline(host: Host) -> None:
    host.card()  # nobody listens: opening `boot` waits for ever

    assert "the image was not taken within 1 s" in host.flash(within=1).msg


def test_a_push_that_failed_or_whose_end_nobody_knows_is_not_done_again_by_itself(host: Host) -> None:
    card = host.card(plays=HALF)
    card.listen()
    host.flash()

    assert (
        "a push to 00000000:B1:00.0 failed: look at its console, then say `again: true`" in host.flash().msg
    )
    path = next(iter(host.folder.glob("machine/bluefield/*")))
    path.write_text(json.dumps({"sha256": DIGEST, "state": "begun", "at": ""}))
    assert "was begun and its end is not known" in host.flash().msg
    assert len(card.pushes) == 1
    assert host.flash(again=True).failed
    assert len(card.pushes) == 2


def test_the_first_card_that_fails_ends_it_before_the_next(host: Host) -> None:
    first, second = host.card(0, plays=HALF), host.card(1)
    first.listen()
    second.listen()

    assert "00000000:B1:00.0 (rshim0)" in host.flash(count=2).msg
    assert (len(first.pushes), len(second.pushes)) == (1, 0)


@pytest.mark.parametrize("how", ["other", "none"])
def test_another_file_than_the_baseline_s_is_not_pushed(host: Host, how: str) -> None:
    card = host.card()
    card.listen()
    if how == "other":
        host.image.write_bytes(IMAGE + b"x")
    else:
        host.image.unlink()
    done = host.flash()

    assert ("not the baseline's" if how == "other" else "no such file") in done.msg
    assert (card.pushes, host.records) == ([], [])


def test_a_check_tells_which_cards_are_due_and_pushes_nothing(host: Host) -> None:
    card = host.card()
    card.listen()
    checked = host.flash(check=True)

    assert (checked.changed, checked.values["due"]) == (True, ["00000000:B1:00.0"])
    assert card.pushes == []


def test_firmware_that_was_flashed_and_does_not_run_yet_is_told(host: Host) -> None:
    host.card()

    assert not host.bluefield(firmware="32.43.1014").failed
    done = host.bluefield(firmware="32.47.1026")
    assert "runs firmware 32.43.1014, 32.47.1026 is wanted" in done.msg
    assert "next power cycle" in done.msg


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (GOOD, ""),
        (HALF, "its console says: INFO[MISC]: NIC firmware update failed"),
        ((*GOOD, "ERR[BL2]: DDR BIST"), "its console says: ERR[BL2]: DDR BIST"),
        (
            (*GOOD, "INFO[UEFI]: PMI: updates completed, status -1"),
            "its console says: INFO[UEFI]: PMI: updates completed, status -1",
        ),
        ((*GOOD, "ASSERT[UEFI]: x"), "its console says: ASSERT[UEFI]: x"),
        (GOOD[:-1], "it did not say 'DPU is ready'"),
        ((), "it did not say 'Linux up' and 'DPU is ready'"),
    ],
)
def test_a_console_is_judged_by_its_words(lines: tuple[str, ...], said: str) -> None:
    assert judged(list(lines)) == said


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ("", "ab", "ab"),
        ("ab", "abc", "c"),
        ("abc", "bcd", "d"),
        ("ab", "xy", "xy"),
        ("ab", "ab", ""),
        ("ab", "", ""),
    ],
)
def test_new_messages_are_those_behind_the_known_ones(before: str, now: str, new: str) -> None:
    assert newer(list(before), list(now)) == list(new)


@pytest.mark.parametrize("given", [{"image": ""}, {"sha256": "short"}])
def test_a_flash_of_nothing_in_particular_is_refused(host: Host, given: dict[str, Any]) -> None:
    host.card()
    with pytest.raises(ArgumentError):
        host.flash(**given)
