from __future__ import annotations

import fnmatch
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.catalog.health_fleet import load_fleet_rules
from edgectl.catalog.health_states import MOST_LOOKS, load_state_policies
from edgectl.catalog.rules import load_rules
from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import HealthChange, HealthState, Phase, Turn
from edgectl.errors import InputError
from edgectl.ops.health.history.states import Sighting, clean_looks, is_flapping, step
from edgectl.yaml_source import load
from tests.fakes.clock import START

TABLE: list[dict[str, Any]] = load(Path(__file__).parents[4] / "cases/health_over_time/states.yaml").value
POLICIES, FLEET = load_state_policies(), load_fleet_rules()
SEVERITIES = {"w": Severity.WARNING, "c": Severity.CRITICAL, ".": None}
WORDS = {Phase.SEEN: "s", Phase.ACTIVE: "A", Phase.CLEARING: "l", Phase.CLEARED: "C"}
LOOK_S = 900


def looked(
    looks: list[str], finding: str, *, is_first: bool = False
) -> tuple[list[HealthState | None], list[HealthChange]]:
    state: HealthState | None = None
    states: list[HealthState | None] = []
    changes: list[HealthChange] = []
    for number, look in enumerate(looks):
        if look != "-":
            first = is_first and number == 0
            sighting = Sighting("GPU-a", finding, "n1", "0", SEVERITIES[look], is_first=first)
            done = step(state, sighting, POLICIES, START + timedelta(seconds=LOOK_S * number))
            state = done.state
            changes += done.changes
        states.append(state)
    return states, changes


@pytest.mark.parametrize("case", TABLE, ids=[case["name"] for case in TABLE])
def test_a_finding_stands_as_the_table_says(case: dict[str, Any]) -> None:
    states, _ = looked(case["looks"].split(), case["finding"], is_first=case.get("is_first", False))

    assert " ".join(WORDS[state.phase] if state else "_" for state in states) == case["states"]


def test_what_came_and_what_went_is_told_once_with_its_reason() -> None:
    _, changes = looked(["w", "w", "w", "c", "w", ".", ".", "."], "temperature")

    assert [(one.turn, one.severity.value, one.why) for one in changes] == [
        (Turn.ENTERED, "warning", "found at 3 of the last 5 looks"),
        (Turn.WORSENED, "critical", "it was a warning"),
        (Turn.CLEARED, "warning", "3 clean looks"),
    ]


def test_a_finding_is_in_force_since_it_came_and_not_since_the_last_look() -> None:
    states, _ = looked(["w", "w", "w", ".", "w", "w"], "temperature")
    last = states[-1]

    assert last is not None
    assert last.since == START + timedelta(seconds=2 * LOOK_S)
    assert last.seen == START + timedelta(seconds=5 * LOOK_S)


def test_a_state_remembers_as_many_looks_as_its_row_has_bits() -> None:
    states, _ = looked(["w"] * 40, "pcie-width")

    assert states[-1] is not None
    assert states[-1].looks == 2**MOST_LOOKS - 1


def test_a_cleared_finding_is_forgotten_when_no_look_of_it_is_left() -> None:
    states, _ = looked(["w", *["."] * 32], "pcie-width")

    assert [state is None for state in states[-2:]] == [False, True]


@given(st.lists(st.sampled_from("wc.-"), max_size=60))
def test_comings_and_goings_alternate_whatever_the_looks(looks: list[str]) -> None:
    for finding in ("temperature", "pcie-width"):
        states, changes = looked(looks, finding)
        turns = [one.turn for one in changes if one.turn is not Turn.WORSENED]

        assert turns == [Turn.ENTERED, Turn.CLEARED] * (len(turns) // 2) + [Turn.ENTERED] * (len(turns) % 2)
        is_in_force = bool(states) and states[-1] is not None and states[-1].is_in_force
        assert is_in_force == (len(turns) % 2 == 1)


def test_flapping_is_three_comings_within_the_looks_that_are_remembered() -> None:
    assert not is_flapping(0b1001, POLICIES)
    assert is_flapping(0b10101, POLICIES)
    assert not is_flapping(2**32 - 1, POLICIES)


def test_clean_looks_are_counted_from_the_latest() -> None:
    assert [clean_looks(looks) for looks in (0b1, 0b10, 0b1000, 0)] == [0, 1, 3, 32]


REFUSED = [
    ("kinds: {a: {enter: 4, of: 3, leave: 1}}", "is more than 'of'"),
    ("kinds: {a: {enter: 1, of: 40, leave: 1}}", "32"),
    ("kinds: {b: {enter: 1, of: 1, leave: 1}}", "no kind is called 'a'"),
]


@pytest.mark.parametrize(("kinds", "said"), REFUSED)
def test_a_policy_that_cannot_be_is_refused(tmp_path: Path, kinds: str, said: str) -> None:
    path = tmp_path / "states.yaml"
    path.write_text(f"{kinds}\ndefault: a\nfindings: {{}}\nflapping: {{times: 3, leave: 8}}\n")

    with pytest.raises(InputError, match=said):
        load_state_policies(path)


def test_every_name_in_the_catalogues_fits_a_rule() -> None:
    known = {*load_rules().by_id, "unreachable", *(metric.finding for metric in FLEET.outliers.metrics)}
    named = [
        *(pattern for pattern, _ in POLICIES.findings),
        *(pattern for family in FLEET.incidents.families for pattern in family.findings),
        *POLICIES.shadow,
    ]

    assert [pattern for pattern in named if not fnmatch.filter(known, pattern)] == []
