"""What people see of an inventory is what its files say, whatever was read before."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli_run import Edgectl

SELECT = ["inventory", "list", "-o", "json"]


def _hosts(edgectl: Edgectl) -> list[str]:
    return [host["host"] for host in edgectl(*SELECT).report()["data"]["hosts"]]


def _cached(edgectl: Edgectl) -> Path:
    (found,) = (edgectl.home / ".cache" / "edgectl" / "inventory").iterdir()
    return found


def test_an_edit_is_seen_at_once(edgectl: Edgectl) -> None:
    path = edgectl.inventory / "fleet.yaml"
    assert _hosts(edgectl) == ["fra1-n01", "fra1-n02"]

    path.write_text(path.read_text().replace("fra1-n02", "fra1-n03"))

    assert _hosts(edgectl) == ["fra1-n01", "fra1-n03"]


def test_a_mistake_is_told_by_every_command(edgectl: Edgectl) -> None:
    path = edgectl.inventory / "fleet.yaml"
    assert _hosts(edgectl)
    path.write_text(path.read_text().replace("metro", "metr0"))

    for words in (SELECT, ["inventory", "check"], ["ping"]):
        ended = edgectl(*words)
        assert (ended.code, "metr0" in ended.err) == (3, True), ended


def test_the_report_is_the_same_from_the_cache(edgectl: Edgectl) -> None:
    def told(*words: str) -> object:
        report = edgectl(*words, "-o", "json").report()
        return report["data"]

    first = [told("inventory", "list"), told("inventory", "show", "fra1-n01")]
    assert _cached(edgectl).stat().st_size
    again = [told("inventory", "list"), told("inventory", "show", "fra1-n01")]

    assert first == again
    assert "fleet.yaml:6" in json.dumps(again)


def test_a_damaged_copy_is_replaced_in_silence(edgectl: Edgectl) -> None:
    assert _hosts(edgectl)
    _cached(edgectl).write_bytes(b"edgectl inventory 1 00000000\n1 2\nxxx")

    ended = edgectl(*SELECT)

    assert (ended.code, ended.err) == (0, "")
    assert len(_cached(edgectl).read_bytes()) > 500


def test_check_reads_the_files_and_nothing_else(edgectl: Edgectl) -> None:
    assert _hosts(edgectl)
    copy = _cached(edgectl)
    before = copy.stat().st_mtime_ns
    os.utime(copy, ns=(before - 10**9, before - 10**9))

    ended = edgectl("inventory", "check")

    assert ended.code == 0, ended
    assert copy.stat().st_mtime_ns >= before


@pytest.mark.parametrize("cache", ["/proc/nowhere", "/dev/null"])
def test_a_home_without_room_for_a_cache_is_served(edgectl: Edgectl, cache: str) -> None:
    for _ in range(2):
        ended = edgectl(*SELECT, more={"XDG_CACHE_HOME": cache})
        assert (ended.code, ended.err) == (0, "")


def test_a_thousand_mistakes_fit_on_a_screen(edgectl: Edgectl) -> None:
    pops = "".join(f"  p{number}: {{metr0: FRA, tz: Europe/Berlim}}\n" for number in range(1, 1001))
    (edgectl.inventory / "fleet.yaml").write_text(f"pops:\n{pops}")

    ended = edgectl("inventory", "check")
    as_json = json.loads(edgectl("inventory", "check", "-o", "json").err)["error"]

    lines = ended.err.splitlines()
    assert (ended.code, len(lines) < 25) == (3, True), ended
    assert lines[3].startswith("  and 997 more like it, the last at ")
    assert lines[-2] == "1,000 problems; no host was contacted"
    assert len(as_json["problems"]) == 1000
