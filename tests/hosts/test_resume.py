"""`provision` and `deploy apply` whose controllers are killed, on lab hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.lab.lifecycle import LabStatus, down
from tests.cli_run import Edgectl
from tests.faults.live import live
from tests.hosts.lab_box import address_base, bring_up


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabStatus]:
    status = bring_up(tmp_path_factory.mktemp("lab") / "lab", f"{address_base()}.140", 3)
    yield status
    down(status.directory)


def killed(edgectl: Edgectl, *words: str) -> str:
    """Kill a command once the run that follows its plan has begun a host's first task, and return the run."""
    with live(edgectl, *words, "-y") as controller:
        assert controller.until(_begins_a_run)
        assert controller.until(_begins_a_run)
        run = controller.events[-1]["run"]
        assert controller.until(lambda event: event["type"] == "TaskStarted")
        controller.kill()
    return str(run)


def _begins_a_run(event: dict[str, Any]) -> bool:
    return bool(event["type"] == "RunStarted")


def test_a_changer_goes_on_without_another_plan_and_is_done_after_it(lab: LabStatus, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    edgectl = Edgectl(tmp_path / "home", lab.inventory, {})

    for words in (["provision", "all"], ["deploy", "apply", "chat"]):
        run = killed(edgectl, *words)
        resumed = edgectl("runs", "resume", "-o", "json")
        assert (resumed.code, resumed.report()["run"]) == (0, run), resumed
        assert resumed.report()["summary"]["changed"] == len(lab.hosts)
        again = edgectl(*words, "-y", "-o", "json").report()
        assert again["summary"]["ok"] == len(lab.hosts), again
