from __future__ import annotations

import pytest

from edgectl.catalog.rules import load_rules
from edgectl.catalog.xid import PEERS, load_xids, unknown_xid
from edgectl.catalog.xid_rows import XidSeverity
from edgectl.ops.health.xid_repeats import _FIRST_RUNG, _LADDER


def test_every_number_from_1_to_176_has_one_entry_with_meaning_and_source() -> None:
    meanings = load_xids()

    assert sorted(meanings) == list(range(1, 177))
    assert all(entry.meaning and entry.mnemonic and entry.source for entry in meanings.values())


def test_no_cell_that_a_reader_needs_is_empty() -> None:
    for entry in load_xids().values():
        assert all(entry.peers[peer] for peer in PEERS), entry.code
        assert entry.nvidia or entry.code >= 162, entry.code


def test_every_action_is_a_sentence_and_every_sentence_is_used() -> None:
    meanings = load_xids()
    used = {entry.action for entry in meanings.values()} | {unknown_xid(999).action, "settled", *_LADDER}
    of_links = {row.action for entry in meanings.values() for row in entry.nvlink}

    assert used | of_links == set(load_rules().actions)


def test_every_step_of_the_ladder_begins_at_an_action_of_the_table() -> None:
    assert set(_FIRST_RUNG) <= {entry.action for entry in load_xids().values()}


@pytest.mark.parametrize("code", [48, 62, 64, 74, 79, 95, 109, 119, 120, 140, 143, 158, 167, 175])
def test_what_stops_a_gpu_is_critical(code: int) -> None:
    assert load_xids()[code].severity is XidSeverity.CRITICAL


@pytest.mark.parametrize("code", [43, 45, 14, 171, 172])
def test_what_only_goes_with_something_else_is_a_note(code: int) -> None:
    assert load_xids()[code].severity is XidSeverity.NOTE


def test_a_note_asks_for_nothing_of_its_own() -> None:
    notes = {entry.action for entry in load_xids().values() if entry.severity is XidSeverity.NOTE}

    assert notes == {"none", "follow-other"}


@pytest.mark.parametrize(
    ("code", "peer", "verdict"),
    [
        (62, "dcgm", "thermal warning"),
        (95, "azure", "not listed"),
        (109, "gcm", "not critical"),
        (133, "gpud", "not in its table, so dropped"),
        (63, "gpud", "fatal, reboot, then inspection"),
        (79, "dcgm", "failure, devastating"),
    ],
)
def test_where_peers_disagree_their_verdicts_are_kept(code: int, peer: str, verdict: str) -> None:
    assert load_xids()[code].peers[peer] == verdict
