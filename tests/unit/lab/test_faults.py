from __future__ import annotations

import pytest

from edgectl.errors import InputError
from edgectl.lab.faults import Fault, FaultKind, parse_fault


@pytest.mark.parametrize(
    ("kind", "value", "fault"),
    [
        ("slow", None, "slow 250"),
        ("slow", "40", "slow 40"),
        ("unreachable", "silent", "unreachable silent"),
        ("hostkey", None, "hostkey"),
        ("gpu-xid", None, "gpu-xid 79"),
    ],
)
def test_a_fault_has_a_usual_value(kind: str, value: str | None, fault: str) -> None:
    assert str(parse_fault(kind, value)) == fault


def test_clear_is_no_fault() -> None:
    assert parse_fault("clear", None) is None


@pytest.mark.parametrize(
    ("kind", "value"), [("wet", None), ("slow", "fast"), ("gpu-ecc", "-1"), ("unreachable", "x")]
)
def test_what_cannot_be_meant_is_refused(kind: str, value: str | None) -> None:
    with pytest.raises(InputError):
        parse_fault(kind, value)


def test_faults_of_one_kind_are_equal_by_value() -> None:
    assert parse_fault("slow", "1") == Fault(FaultKind.SLOW, "1")
