from __future__ import annotations

import pytest

from edgectl.catalog.xid_nvlink5 import event_of, load_nvlink_rows, reason_of, row_of, subcode_of
from edgectl.catalog.xid_rows import XidSeverity

ROWS = load_nvlink_rows()


def line_of(code: int, unit: str, kind: str, word: int, status: int) -> str:
    return (
        f"NVRM: Xid (PCI:0000:41:00): {code}, {unit} {kind} XC0 i0 Link 08 (0x{word:08x} 0x{status:08x} 0x0)"
    )


def test_the_table_has_every_row_of_the_catalogue_once() -> None:
    keys = [(row.code, row.subcode, row.reason, row.error_status) for row in ROWS]

    assert len(ROWS) == 94
    assert {row.code for row in ROWS} == set(range(144, 151))
    assert len(keys) == len(set(keys))
    assert all(row.source and row.nvidia for row in ROWS)


@pytest.mark.parametrize("branch", [575, 580, 595, None])
def test_every_row_is_found_again_from_its_line(branch: int | None) -> None:
    for row in ROWS:
        kind = "Nonfatal" if row.kind == "nonfatal" else "Fatal"
        for unit in row.units:
            word = row.reason << 20 | row.subcode
            event = event_of(line_of(row.code, unit, kind, word, row.error_status), branch)
            assert event is not None
            assert row_of(event, ROWS) is row


def test_a_branch_that_numbers_units_otherwise_finds_a_row_of_the_same_name_and_verdict() -> None:
    for row in ROWS:
        for unit in row.units:
            word = row.reason << 20 | 31 << 5
            event = event_of(line_of(row.code, unit, "Fatal", word, row.error_status), 570)
            assert event is not None
            found = row_of(event, ROWS)
            assert found is not None
            assert unit in found.units
            assert (found.severity, found.action) == (row.severity, row.action)


def test_the_unit_has_its_number_in_the_low_bits_since_branch_575_and_above_them_before() -> None:
    for row in ROWS:
        assert subcode_of(row.subcode, 575) == subcode_of(row.subcode, None) == row.subcode
        assert subcode_of(row.subcode << 5, 570) == row.subcode


def test_the_reason_is_not_taken_for_the_unit() -> None:
    word = 0x004505C6
    event = event_of(line_of(149, "NETIR_LINK_EVT", "Fatal", word, 0), 570)

    assert event is not None
    assert (event.unit, event.subcode, event.reason, event.link) == ("NETIR_LINK_EVT", 14, 4, 8)
    assert (subcode_of(word, 570), reason_of(word)) == (14, 4)


def test_a_fatal_event_that_the_table_says_to_ignore_stays_fatal() -> None:
    ignored = [row for row in ROWS if row.kind != "nonfatal" and row.nvidia.startswith("IGNORE")]

    assert [row.reason for row in ignored] == [38, 40]
    assert all(row.severity is XidSeverity.CRITICAL for row in ignored)


@pytest.mark.parametrize(
    "line",
    [
        "NVRM: Xid (PCI:0000:41:00): 79, GPU has fallen off the bus.",
        "NVRM: Xid (PCI:0000:41:00): 149, something new",
        "NVRM: Xid (PCI:0000:41:00): 149",
    ],
)
def test_another_line_is_no_event_of_a_link(line: str) -> None:
    assert event_of(line, 580) is None


def test_a_line_without_words_in_brackets_still_names_unit_and_kind() -> None:
    event = event_of("149, NETIR_LINK_EVT Nonfatal XC0 i0 Link 08", 580)

    assert event is not None
    assert (event.unit, event.fatal, event.reason) == ("NETIR_LINK_EVT", False, None)
    assert row_of(event, ROWS) is None
