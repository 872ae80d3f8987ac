from __future__ import annotations

from edgectl.lab.idmap import IdMap


def test_one_id_is_single_and_a_range_is_not() -> None:
    assert IdMap(((0, 1000, 1),), ((0, 1000, 1),)).single
    assert not IdMap(((0, 1000, 1), (1, 100_000, 65_535)), ((0, 1000, 1),)).single
