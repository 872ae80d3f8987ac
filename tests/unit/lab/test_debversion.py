from __future__ import annotations

import pytest

from edgectl.lab.guest.debversion import compare, satisfies

# From deb-version(7) and dpkg's own tests.
_OLDER_NEWER = [
    ("1.0~rc1", "1.0"), ("1.0", "1.0-1"), ("1.0-1", "1.0-1+deb12u1"),
    ("1.9", "1.10"), ("9", "1:1"), ("1.0a", "1.0b"),
    ("1.0~~", "1.0~"), ("1.0", "1.0a"), ("1.0a", "1.0+"), ("575.57.08-1", "580.95.05-1"),
    ("580.95.05-1", "580.105.08-1"),
    ("7.88.1-10+deb12u8", "7.88.1-10+deb12u12"), ("0", "0.0.1"),
]  # fmt: skip


@pytest.mark.parametrize(("older", "newer"), _OLDER_NEWER)
def test_versions_are_ordered_as_by_dpkg(older: str, newer: str) -> None:
    assert compare(older, newer) < 0 < compare(newer, older)


@pytest.mark.parametrize(
    ("left", "relation", "right"),
    [
        ("1", "eq", "1"),
        ("0:1", "=", "1"),
        ("1", "le", "2"),
        ("2", ">>", "1"),
        ("1-0", "ge", "1"),
        ("1", "ne", "2"),
    ],
)
def test_relations_hold(left: str, relation: str, right: str) -> None:
    assert satisfies(left, relation, right)
