"""How long a plan takes: as long as its changes took before, else a guess that says so."""

from __future__ import annotations

from edgectl.ops.provision.durations import Durations

_KNOWN = Durations({"driver / packages": 80.0, "driver / reboot if due": 95.0}, 12)


def test_a_change_takes_what_it_took_before_and_an_unknown_one_little() -> None:
    assert _KNOWN.of(["driver / packages (nvidia-open)", "os / chrony"], {}) == 82.0


def test_what_is_on_no_record_is_guessed_by_its_kind() -> None:
    assert Durations({}, 0).of(["driver / packages", "driver / reboot if due"], {}) == 420.0


def test_a_new_acceptance_takes_its_diagnosis_and_its_burn_in() -> None:
    changes = ["accept / reboot, to see that it survives one"]

    assert Durations({}, 0).of(changes, {"diag_level": 3, "burn_in_s": 1800}) == 300 + 1800 + 1800
    assert Durations({}, 0).of(changes, {"diag_level": None, "burn_in_s": None}) == 300
