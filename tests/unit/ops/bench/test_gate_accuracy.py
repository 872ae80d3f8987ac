"""How often the gate is wrong: simulated trials whose truth is known, printed with `-s`.

A trial is a whole gate: repeats of two servers in turns, each repeat some 200 requests whose latencies spread as real
ones do, a noise of its own on every repeat (neighbours, clocks) and a drift over the session (heat). Either the second
server is the first once more, or it is 10 % slower.
"""

from __future__ import annotations

import math
import random
import sys
from collections import Counter
from statistics import fmean, median

import pytest

from edgectl.ops.bench.figures import DEFAULT_ALLOWED, JUDGED
from edgectl.ops.bench.intervals import alternating
from edgectl.ops.bench.verdict import Judgement, Side, Verdict, judge

TRIALS = 200
REQUESTS = 200
DRIFT = 0.01  # per repeat: a session of ten ends 10 % slower than it began
# The targets: at most so many false alarms, at least so many slowdowns found, both in percent.
FALSE_FAIL, DETECTED = 2.0, 95.0
ALLOWED = dict.fromkeys(JUDGED, DEFAULT_ALLOWED)


def _repeat(chance: random.Random, slower: float, noise: float, position: int) -> dict[str, float]:
    """Return the figures of one repeat."""
    moment = slower * math.exp(chance.gauss(0, noise) + DRIFT * position)
    ttft = [180 * moment * chance.lognormvariate(0, 0.25) for _ in range(REQUESTS)]
    tpot = [23 * moment * chance.lognormvariate(0, 0.1) for _ in range(REQUESTS)]
    seconds = fmean(first + 128 * each for first, each in zip(ttft, tpot, strict=True)) / 1000
    return {"ttft_ms.p50": median(ttft), "tpot_ms.p50": median(tpot), "output_tokens_per_s": 128 / seconds}


def _judged(chance: random.Random, slower: float, noise: float, repeats: int) -> Judgement:
    sides: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
    for position, side in enumerate(alternating(repeats)):
        sides[side].append(_repeat(chance, slower if side else 1.0, noise, position))
    before, after = (
        Side(str(number), {key: [one[key] for one in side] for key in side[0]}, repeats)
        for number, side in enumerate(sides)
    )
    return judge(before, after, ALLOWED, is_in_turns=True)


def _percent(slower: float, noise: float, repeats: int, trials: int = TRIALS) -> dict[Verdict, float]:
    chance = random.Random(f"{slower}/{noise}/{repeats}")  # noqa: S311 - reproducible on purpose
    counts = Counter(_judged(chance, slower, noise, repeats).verdict for _ in range(trials))
    return {verdict: 100 * counts[verdict] / trials for verdict in Verdict}


def _tell(what: str, found: dict[Verdict, float]) -> None:
    """Print a line of the table that `pytest -s` shows."""
    shares = "  ".join(f"{verdict} {share:5.1f} %" for verdict, share in found.items())
    sys.stdout.write(f"{what:<40}{shares}\n")


@pytest.mark.parametrize("noise", [0.005, 0.01, 0.02, 0.05, 0.3])
def test_the_same_server_again_hardly_ever_fails_however_noisy(noise: float) -> None:
    found = _percent(1.0, noise, 5)

    _tell(f"the same again, noise {noise:.1%}, 5 repeats", found)
    assert found[Verdict.FAIL] <= FALSE_FAIL


@pytest.mark.parametrize(("noise", "repeats"), [(0.005, 5), (0.01, 5), (0.015, 7), (0.02, 10), (0.03, 20)])
def test_a_server_that_is_10_percent_slower_is_found(noise: float, repeats: int) -> None:
    found = _percent(1.1, noise, repeats)

    _tell(f"10 % slower, noise {noise:.1%}, {repeats} repeats", found)
    assert found[Verdict.FAIL] >= DETECTED
    assert found[Verdict.PASS] == 0


def test_noise_makes_a_slowdown_doubtful_and_never_passes_it() -> None:
    found = _percent(1.1, 0.1, 5)

    assert found[Verdict.INCONCLUSIVE] > 50
    assert found[Verdict.PASS] == 0
