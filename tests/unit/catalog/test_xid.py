from __future__ import annotations

import pytest

from edgectl.catalog.rules import load_rules
from edgectl.catalog.xid import XidSeverity, load_xids, unknown_xid


def test_every_number_from_1_to_176_has_one_entry_with_meaning_and_source() -> None:
    meanings = load_xids()

    assert sorted(meanings) == list(range(1, 177))
    assert all(entry.meaning and entry.mnemonic and entry.source for entry in meanings.values())


def test_every_action_is_a_sentence_and_every_sentence_is_used() -> None:
    used = {entry.action for entry in load_xids().values()} | {unknown_xid(999).action}

    assert used == set(load_rules().actions)


@pytest.mark.parametrize("code", [48, 62, 64, 74, 79, 95, 109, 119, 120, 140, 143, 158, 167, 175])
def test_what_stops_a_gpu_is_critical(code: int) -> None:
    assert load_xids()[code].severity is XidSeverity.CRITICAL


@pytest.mark.parametrize("code", [43, 45, 14, 171, 172])
def test_what_only_goes_with_something_else_is_a_note(code: int) -> None:
    assert load_xids()[code].severity is XidSeverity.NOTE


def test_a_note_asks_for_nothing_of_its_own() -> None:
    notes = {entry.action for entry in load_xids().values() if entry.severity is XidSeverity.NOTE}

    assert notes == {"none", "follow-other"}
