"""What a host could not read is not judged: no reading that is taken away makes a healthy host alarm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from edgectl.ops.health.finding import Standing
from tests.health.batch import collect_all
from tests.health.matrix import HEALTHY, Cell, judged, scene, told
from tests.nvml.branches import COMPILER, NO_COMPILER

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)
# What says that a GPU or a card is there at all, and the rshim, which is either there or missing.
KEPT = {"state", "index", "unread", "pci_bus_id", "model", "rshim"}
B200 = Cell(HEALTHY, "b200", "595")


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return collect_all({"healthy": scene(B200, tmp_path_factory.mktemp("host"))})["healthy"]


def parts(answer: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "gpu", answer["gpus"][0]
    yield "machine", answer["machine"]
    yield "time", answer["machine"]["time"]
    yield "dpu", answer["dpus"][0]


def test_no_reading_that_is_missing_alarms_alone(answer: dict[str, Any]) -> None:
    for name, part in parts(answer):
        for reading in [one for one in part if one not in KEPT]:
            kept, part[reading] = part[reading], None
            assert told(judged(B200, answer)) == [], (name, reading)
            part[reading] = kept


def test_a_host_that_could_read_nothing_alarms_about_nothing_and_holds_no_rule_of_it(
    answer: dict[str, Any],
) -> None:
    gpus = [{**gpu, **{one: None for one in gpu if one not in KEPT | {"uuid"}}} for gpu in answer["gpus"]]
    bare = {
        **answer,
        "gpus": gpus,
        "machine": {"disks": []},
        **dict.fromkeys(("pci_gpus", "proc_gpus", "dpus", "ports", "library_version")),
    }
    verdict = judged(B200, bare)

    unjudged = {name for name, standing in verdict.standings.items() if standing is Standing.UNJUDGED}
    assert told(verdict) == []
    assert {
        "row-remap-failure",
        "temperature",
        "dpu-missing",
        "port-down",
        "time-offset",
        "zombies",
    } <= unjudged
