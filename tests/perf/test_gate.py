"""How often the gate is wrong on real measurements: engines of a known pace, measured in turns, many gates in a row.

`pytest -m perf tests/perf/test_gate.py -s` prints it. Three engines run at once: two of the same pace, one 10 % slower.
Each gate has repeats of its own; none is used twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

import pytest

from edgectl.ops.bench.figures import DEFAULT_ALLOWED, JUDGED, figures_of
from edgectl.ops.bench.measured import Measured
from edgectl.ops.bench.sides import side_of_measured
from edgectl.ops.bench.turns import Asked, Turn, in_turns, measure
from edgectl.ops.bench.verdict import Verdict, judge
from edgectl.ops.bench.workload import Workload, checked
from edgectl.settings import read_settings
from edgectl.wiring.local import open_local_services
from tests.engines import paced

pytestmark = [pytest.mark.perf, pytest.mark.timeout(1200)]

GATES, REPEATS = 12, 5
LOAD = checked(
    Workload(concurrency=4, requests=48, output_tokens=20, prompt_tokens=8, warmup_requests=0, seed=1)
)
ALLOWED = dict.fromkeys(JUDGED, DEFAULT_ALLOWED)
# Each answer's pace varies by as much: a repeat of 48 has a noise of about a fifth of that.
NOISE = 0.05


def _verdicts(before: str, after: str, folder: Path) -> tuple[Counter[Verdict], Sequence[Measured]]:
    """Return the verdicts of many gates between two servers, and what was measured of the first."""
    found: Counter[Verdict] = Counter()
    kept: list[Measured] = []
    with open_local_services(read_settings(state=f"sqlite:///{folder / 's.db'}"), []) as here:
        for number in range(GATES):
            turns = in_turns(Turn(before), Turn(after), 1000 * number, REPEATS)
            seen = measure(here, Asked("bench compare", LOAD, turns))
            (measured,) = seen.measured.values()
            sides = [
                side_of_measured(
                    name, [one for turn, one in zip(turns, measured, strict=True) if turn.side == side]
                )
                for side, name in enumerate(("before", "after"))
            ]
            found[judge(sides[0], sides[1], ALLOWED, is_in_turns=True).verdict] += 1
            kept += [one for turn, one in zip(turns, measured, strict=True) if turn.side == 0]
    return found, kept


def test_gates_on_real_measurements(tmp_path: Path) -> None:
    with (
        paced(30, 5, noise=NOISE) as one,
        paced(30, 5, noise=NOISE) as same,
        paced(33, 5.5, noise=NOISE) as slower,
    ):
        alike, repeats = _verdicts(one, same, tmp_path)
        worse, _ = _verdicts(one, slower, tmp_path)

    for name in JUDGED:
        values = [
            value for measured in repeats for key, value in figures_of(measured).items() if key == _key(name)
        ]
        print(f"{name:<10} noise between repeats {stdev(values) / fmean(values):.1%}")
    print(f"the same server again  {_told(alike)}")
    print(f"10 % slower            {_told(worse)}")
    assert alike[Verdict.FAIL] == 0
    assert worse[Verdict.PASS] == 0


def _key(name: str) -> str:
    return {"tokens": "output_tokens_per_s"}.get(name, name.replace(".", "_ms."))


def _told(found: Counter[Verdict]) -> str:
    return ", ".join(f"{verdict} {found[verdict]} of {GATES}" for verdict in Verdict)
