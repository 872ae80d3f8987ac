"""Windows, by the table in tests/cases/windows.yaml."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.engine.windows import Interval, opening
from edgectl.inventory.model import Weekday, Window

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "windows.yaml").read_text(encoding="utf-8"))


def _utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["is"]) for case in CASES])
def test_windows_open_and_close(case: dict[str, Any]) -> None:
    said = case["window"]
    days = tuple(Weekday(day) for day in said["days"])
    window = Window(days, dt.time.fromisoformat(said["start"]), said["hours"])

    found = opening(window, case["zone"], _utc(case["now"]), case["needs"] * 60)

    expected = Interval(_utc(case["opens"]), _utc(case["closes"])) if "opens" in case else None
    assert found == expected
