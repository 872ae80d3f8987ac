"""What a test of a node came to, in the shape that certificates keep. Pure."""

from __future__ import annotations

from edgectl.remote.lean import Any, Dict, List, Optional
from edgectl.remote.result import TaskResult, failed

# Below this share of the median of its like, a node is slower than chance makes it.
COHORT_SHARE = 0.95
# Fewer than these have no median to speak of.
COHORT_LEAST = 3


def figure_test(
    name: str,
    figures: Dict[str, float],
    unit: str,
    floor: Optional[float] = None,
    cohort: Optional[Dict[str, Any]] = None,
) -> Dict[str, Any]:
    """Judge a figure per GPU by the lowest of them: against a floor, and against the median of nodes of its kind.

    `cohort` is `median`, and `hosts` that it is of; of fewer than three it is on record and judges nothing.
    """
    lowest = min(figures.values()) if figures else 0.0
    least = floor or 0.0
    source = "catalogue" if floor else "none"
    if cohort and _least(cohort) > least:
        least = _least(cohort)
        source = f"{COHORT_SHARE:.0%} of the median of {cohort['hosts']} nodes, {cohort['median']:,g}"
    test = {"name": name, "value": lowest, "unit": unit, "figures": figures, "floor": floor, "cohort": cohort}
    return {**test, "threshold": least or None, "source": source, "passed": lowest >= least and bool(figures)}


def is_below(value: float, cohort: Dict[str, Any]) -> bool:
    """Tell whether a figure is too far below the median of its like."""
    return value < _least(cohort)


def _least(cohort: Dict[str, Any]) -> float:
    return round(float(cohort["median"]) * COHORT_SHARE, 1) if cohort["hosts"] >= COHORT_LEAST else 0.0


def told(test: Dict[str, Any]) -> str:
    """Return a test that was not passed in words."""
    value, unit, figures = test["value"], test.get("unit", ""), test.get("figures") or {}
    if not figures:
        return f"{test['name']}: {value}"
    where = min(figures, key=lambda one: figures[one])
    said = f"{test['name']}: {value:,g} {unit} on {where}"
    if test.get("floor"):
        said += f", floor {test['floor']:,g}"
    if test.get("cohort"):
        said += f", cohort median {test['cohort']['median']:,g}"
    return said


def judged(tests: List[Dict[str, Any]], waived: List[str]) -> TaskResult:
    """Return the tests as a task's values; one that was not passed and that nobody answers for is a failure."""
    bad = [test for test in tests if not test["passed"] and test["name"] not in waived]
    if bad:
        return failed("; ".join(told(test) for test in bad), tests=tests)
    return TaskResult(values={"tests": tests})
