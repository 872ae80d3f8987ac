"""What is kept of what hosts say: each its share, equal texts once, and nothing that pretends to be the whole."""

from __future__ import annotations

import json
import sys
import tracemalloc
from typing import Any

import pytest

from edgectl.engine.keeping import (
    KEPT_BYTES,
    LEAST_BYTES,
    Keeper,
    count_shortened,
    level_of,
    share_bytes,
    shortened,
    without_paths,
)
from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus

LEVELS = [
    ([], 10, 10),
    ([4], 10, 4),
    ([4, 6], 10, 6),
    ([4, 7], 10, 6),
    ([1, 20, 20], 11, 5),
    ([5, 5, 5], 9, 3),
    ([100], 0, 0),
]


def _said(*texts: str, host: str = "n1") -> HostOutcome:
    tasks = [TaskRecord("t", "shell", TaskStatus.OK, 0.1, {"stdout": text, "rc": 0}) for text in texts]
    return HostOutcome(host, "fra1", HostStatus.OK, tasks=tuple(tasks))


def _task(result: dict[str, Any]) -> TaskRecord:
    return TaskRecord("t", "setup", TaskStatus.OK, 0.1, result)


def _stdouts(outcome: HostOutcome) -> list[str]:
    return [str(task.result["stdout"]) for task in outcome.tasks]


@pytest.mark.parametrize(("sizes", "room", "level"), LEVELS)
def test_the_longest_texts_come_down_until_all_fit(sizes: list[int], room: int, level: int) -> None:
    assert level_of(sizes, room) == level
    assert sum(min(size, level) for size in sizes) <= max(room, sum(sizes[:0]))


def test_a_handful_of_hosts_keep_all_they_say() -> None:
    outcome = _said("x" * 64 * 1024, "y" * 64 * 1024)

    assert Keeper(100).kept(outcome) == outcome
    assert count_shortened([outcome]) == 0


def test_all_hosts_together_keep_no_more_than_was_set_aside() -> None:
    keeper, hosts = Keeper(4400), 200
    kept = [keeper.kept(_said(f"{number} " * 8_000, host=f"n{number}")) for number in range(hosts)]

    size = sum(sys.getsizeof(text) for outcome in kept for text in _stdouts(outcome))
    assert size <= hosts * (KEPT_BYTES / 4400 + 200)
    assert count_shortened(kept) == hosts


def test_short_texts_are_left_alone_and_the_long_one_pays() -> None:
    short, long = _stdouts(Keeper(4400).kept(_said("a" * 500, "b" * 60_000)))

    assert short == "a" * 500
    assert len(long) < 60_000
    assert (long[:10], long[-10:]) == ("b" * 10, "b" * 10)


def test_of_many_texts_each_keeps_its_least() -> None:
    kept = _stdouts(Keeper(1_000_000).kept(_said(*("c" * 9_000 for _ in range(20)))))

    assert all(LEAST_BYTES * 0.9 < len(text) < LEAST_BYTES + 100 for text in kept)


def test_texts_in_loops_and_diffs_are_shortened_too() -> None:
    result = {"results": [{"stdout": "d" * 50_000}], "diff": {"after": "e" * 50_000}, "n": 3}
    outcome = HostOutcome(
        "n1", "fra1", HostStatus.OK, tasks=(TaskRecord("t", "copy", TaskStatus.OK, 0.1, result),)
    )

    (task,) = Keeper(20_000).kept(outcome).tasks
    assert len(str(task.result)) < 2 * share_bytes(20_000) + 500
    assert task.result["n"] == 3


def test_equal_texts_are_kept_once() -> None:
    keeper = Keeper(20_000)
    first, second = (keeper.kept(_said("same\n" * 20_000, host=name)) for name in ("n1", "n2"))

    assert _stdouts(first)[0] is _stdouts(second)[0]


def test_names_and_short_values_that_are_equal_are_kept_once() -> None:
    keeper = Keeper(10)
    said = '{"ansible_facts": {"ansible_kernel": "6.8.0-88-generic"}}'
    first, second = (
        keeper.kept(HostOutcome(host, "p", HostStatus.OK, tasks=(_task(json.loads(said)),))).tasks[0].result
        for host in ("n1", "n2")
    )

    assert first == json.loads(said)
    (one,), (other,) = first["ansible_facts"].items(), second["ansible_facts"].items()
    assert one[0] is other[0]
    assert one[1] is other[1]


def test_memory_does_not_grow_with_what_hosts_say() -> None:
    def peak(characters: int) -> int:
        keeper = Keeper(20_000)
        tracemalloc.start()
        kept = [keeper.kept(_said(f"{number}" + "x" * characters)) for number in range(200)]
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(kept) == 200
        return size

    assert peak(200_000) < 1.2 * peak(10_000)


def test_texts_that_differ_only_in_what_was_left_out_stay_apart() -> None:
    one, other = "h" * 5_000 + "1" + "t" * 5_000, "h" * 5_000 + "2" + "t" * 5_000

    assert shortened(one, 2_000) != shortened(other, 2_000)


def test_the_file_at_the_host_is_still_named_and_does_not_part_equal_outputs() -> None:
    def from_host(path: str) -> str:
        gap = f"\n[… 900000 bytes left out; the whole of it: {path} …]\n"
        return "h" * 32_768 + gap + "t" * 32_768

    one, other = (
        shortened(from_host(f"/var/lib/edgectl/runs/R/output/1-{pid}-1.stdout"), 4_000) for pid in (7, 1234)
    )

    assert "the whole of it: /var/lib/edgectl/runs/R/output/1-7-1.stdout ...]" in one
    assert one != other
    assert without_paths(one) == without_paths(other)
    missing = int(one.split("[... ")[1].split(" ")[0])
    assert 900_000 + 2 * 32_768 - 4_000 <= missing <= 900_000 + 2 * 32_768


@pytest.mark.parametrize("letter", ["ü", "漢", "😀", "\udcff"])
def test_any_letter_is_counted_in_bytes_of_memory(letter: str) -> None:
    short = shortened(letter * 40_000, 4_096)

    assert sys.getsizeof(short) < 4_096 + 600
    assert short.startswith(letter * 100)
    assert short.endswith(letter * 100)


def test_a_host_that_said_nothing_is_left_as_it_is() -> None:
    outcome = HostOutcome("n1", "fra1", HostStatus.UNREACHABLE, "refused")

    assert Keeper(1).kept(outcome) is outcome
