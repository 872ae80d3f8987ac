"""Whether one server is slower than another: pass, fail, or not to be told from these repeats. Pure.

A figure fails where its change and the near end of the change's interval are both past what is allowed, passes where
the far end is within it, and is inconclusive between: noise alone can neither fail a build nor wave one through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from edgectl.errors import ExitCode
from edgectl.ops.bench.figures import FIGURES, Figure
from edgectl.ops.bench.intervals import Interval, change_interval

# The chance of failing a server that is no slower, over all figures together, however noisy it is: half of this.
CONFIDENCE = 0.95
# A server that fails more of its requests than before, by this share of them, is worse however fast it is.
_MORE_FAILED = 0.01


class Verdict(StrEnum):
    """What a gate says."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


EXIT_CODES = {
    Verdict.PASS: ExitCode.DONE,
    Verdict.FAIL: ExitCode.FAILED,
    Verdict.INCONCLUSIVE: ExitCode.STOPPED,
}


@dataclass(frozen=True, slots=True)
class Side:
    """One server, measured several times over; `figures` has by key a number for each repeat, in their order.

    `doubts` say why the numbers cannot be trusted; `shape` and `model` are "" where nobody knows.
    """

    name: str
    figures: Mapping[str, Sequence[float]]
    repeats: int
    sent: int = 0
    failed: int = 0
    shape: str = ""
    model: str = ""
    doubts: Sequence[str] = ()
    notes: Sequence[str] = ()

    def of(self, figure: Figure) -> Sequence[float]:
        """Return a figure's number in each repeat; empty where one of them has none."""
        found = self.figures.get(figure.key, ())
        return found if len(found) == self.repeats else ()


@dataclass(frozen=True, slots=True)
class Judged:
    """One figure on both sides; `worse` is by how much the later side is worse, with its interval."""

    figure: Figure
    verdict: Verdict
    allowed: float
    before: Sequence[float] = ()
    after: Sequence[float] = ()
    worse: Interval | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """All of it; `reasons` are what stands above the figures."""

    verdict: Verdict
    figures: Sequence[Judged]
    reasons: Sequence[str] = field(default_factory=tuple)


def judge(before: Side, after: Side, allowed: Mapping[str, float], *, is_paired: bool) -> Judgement:
    """Return the verdict on `after`; `allowed` says by which share each named figure may be worse.

    The confidence is split among the figures (Bonferroni), so that asking for more does not alarm more often.
    """
    confidence = 1 - (1 - CONFIDENCE) / len(allowed)
    figures = [
        _judged(FIGURES[name], share, before, after, confidence, is_paired=is_paired)
        for name, share in allowed.items()
    ]
    failing = _failing(before, after)
    doubts = [*_doubts(before, after)]
    if doubts:
        return Judgement(Verdict.INCONCLUSIVE, figures, [*doubts, *failing])
    if failing:
        return Judgement(Verdict.FAIL, figures, failing)
    return Judgement(overall(figure.verdict for figure in figures), figures)


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of several together: what fails is never hidden by what cannot be told."""
    found = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if verdict in found:
            return verdict
    return Verdict.PASS


def _judged(
    figure: Figure, allowed: float, before: Side, after: Side, confidence: float, *, is_paired: bool
) -> Judged:
    earlier, later = before.of(figure), after.of(figure)
    # Worse is higher for a latency and lower for a rate.
    sides = (earlier, later) if figure.is_worse_high else (later, earlier)
    worse = change_interval(*sides, confidence, is_paired=is_paired) if earlier and later else None
    if worse is None:
        return Judged(figure, Verdict.INCONCLUSIVE, allowed, earlier, later, why=_why_none(earlier, later))
    if worse.point > allowed and worse.low > allowed:
        verdict = Verdict.FAIL
    elif worse.high <= allowed:
        verdict = Verdict.PASS
    else:
        verdict = Verdict.INCONCLUSIVE
    return Judged(figure, verdict, allowed, earlier, later, worse)


def _why_none(before: Sequence[float], after: Sequence[float]) -> str:
    if not before or not after:
        return "not every repeat has it, on both sides"
    return "at least two repeats are wanted on each side"


def _failing(before: Side, after: Side) -> list[str]:
    if not after.sent:
        return []
    earlier = before.failed / before.sent if before.sent else 0.0
    later = after.failed / after.sent
    if later - earlier <= _MORE_FAILED:
        return []
    return [f"{after.failed} of {after.sent} requests failed, {before.failed} of {before.sent} before"]


def _doubts(before: Side, after: Side) -> list[str]:
    found = [f"{side.name}: {doubt}" for side in (before, after) for doubt in side.doubts]
    if before.shape and after.shape and before.shape != after.shape:
        found.append("the loads differ: other lengths, rates or limits; only the same load can be compared")
    return found
