"""NVIDIA's own diagnosis of the GPUs, judged test by test: what was skipped was not passed."""

from __future__ import annotations

import json

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Iterator
from edgectl.remote.result import TaskResult, failed

# It loads the GPUs for up to hours and changes nothing that stays; begun again it only begins again.
REPEAT = "idempotent"
_PASSED = "pass"


@dataclass(frozen=True)
class Args:
    """Say how deep it goes, and what must have been tested."""

    level: int = arg(1, doc="1: seconds; 2: minutes; 3: half an hour; 4: more than an hour.")
    mandatory: list[str] = arg(
        factory=list, doc="Tests that must have passed on every GPU, as dcgmi names them."
    )
    waived: list[str] = arg(factory=list, doc="Tests that somebody answers for, as certificates name them.")

    def __post_init__(self) -> None:
        """Refuse a level that there is not."""
        if not 1 <= self.level <= 4:  # noqa: PLR2004 - dcgmi's levels
            raise ValueError(f"'level' is 1 to 4, not {self.level}")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Run it and judge; `tests` are for a certificate."""
    if context.check:
        return TaskResult(values={"tests": []})
    done = context.proc.run(["dcgmi", "diag", "-r", str(args.level), "-j"])
    try:
        found = told(json.loads(done.stdout[done.stdout.index("{") :]))
    except (ValueError, KeyError, TypeError, AttributeError):
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        return failed(f"dcgmi diag ended with {done.rc} and no result that can be read: {said[-1]}")
    tests = list(_judged(found, args.mandatory))
    if done.rc and all(test["passed"] for test in tests):
        return failed(f"dcgmi ended with {done.rc} though no test failed", tests=tests)
    bad = [test for test in tests if not test["passed"] and test["name"] not in args.waived]
    why = "; ".join(f"{test['name'].partition(' ')[2]}: {test['value']}" for test in bad)
    return (
        failed(f"dcgmi diag -r {args.level}: {why}", tests=tests)
        if bad
        else TaskResult(values={"tests": tests})
    )


def _judged(found: list[dict[str, Any]], mandatory: list[str]) -> Iterator[dict[str, Any]]:
    """Yield what passed, what is bad, and what had to pass and did not; a test that nobody asked for may be skipped."""
    for test in found:
        if test["passed"] or test["is_bad"]:
            yield _test(test["name"], test["value"], passed=test["passed"])
    told_of = {test["name"] for test in found if test["passed"] or test["is_bad"]}
    for name in mandatory:
        if name not in told_of:
            yield _test(name, "not run", passed=False)


def _test(name: str, value: str, *, passed: bool) -> dict[str, Any]:
    return {"name": f"dcgm {name}", "value": value, "passed": passed, "source": "dcgmi"}


def told(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each test with what its results were; DCGM 3 and 4 name the whole differently.

    A result with an error code is bad whatever its status says (DCGM issue 284: PASS beside an allocation error).
    """
    (whole,) = (part for part in answer.values() if isinstance(part, dict) and "test_categories" in part)
    found = []
    for category in whole["test_categories"]:
        for test in category["tests"]:
            statuses = [str(result["status"]).strip().lower() for result in test["results"]]
            errors = [
                _error(warning) for result in test["results"] for warning in result.get("warnings") or ()
            ]
            errors = [error for error in errors if error]
            counts = ", ".join(f"{statuses.count(one)} {one}" for one in sorted(set(statuses)))
            found.append(
                {
                    "name": test["name"],
                    "value": "; ".join([counts, *errors]),
                    "passed": set(statuses) == {_PASSED} and not errors,
                    "is_bad": bool(errors) or any(one.startswith(("fail", "warn")) for one in statuses),
                }
            )
    return found


def _error(warning: Any) -> str:
    """Return what a warning says where it carries an error code."""
    if isinstance(warning, dict):
        return f"error {warning['error_id']}: {warning.get('warning', '')}" if warning.get("error_id") else ""
    return str(warning)
