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

# The chance of failing a server that is no slower, over all figures together and however noisy it is. One figure is
# enough to fail, so each has its share of it (Bonferroni).
FALSE_ALARM = 0.025
# The chance of passing one that is slower than allowed. All figures must pass, so each may have the whole of it
# (R. Berger, Multiparameter hypothesis testing and acceptance sampling, 1982).
FALSE_PASS = 0.05
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
    """One figure on both sides; `worse` is by how much the later side is worse: between low and high."""

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


def judge(before: Side, after: Side, allowed: Mapping[str, float], *, is_in_turns: bool) -> Judgement:
    """Return the verdict on `after`; `allowed` says by which share each named figure may be worse."""
    figures = [
        _judged(
            _Question(FIGURES[name], share, FALSE_ALARM / len(allowed)),
            before,
            after,
            is_in_turns=is_in_turns,
        )
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


@dataclass(frozen=True, slots=True)
class _Question:
    """Whether a figure is worse by more than is allowed, and how often the answer may be a false alarm."""

    figure: Figure
    allowed: float
    false_alarm: float


def _judged(asked: _Question, before: Side, after: Side, *, is_in_turns: bool) -> Judged:
    figure, allowed = asked.figure, asked.allowed
    earlier, later = before.of(figure), after.of(figure)
    worse = _worse(asked, earlier, later, is_in_turns=is_in_turns) if earlier and later else None
    if worse is None:
        return Judged(figure, Verdict.INCONCLUSIVE, allowed, earlier, later, why=_why_none(earlier, later))
    if worse.point > allowed and worse.low > allowed:
        verdict = Verdict.FAIL
    elif worse.high <= allowed:
        verdict = Verdict.PASS
    else:
        verdict = Verdict.INCONCLUSIVE
    return Judged(figure, verdict, allowed, earlier, later, worse)


def _worse(
    asked: _Question, before: Sequence[float], after: Sequence[float], *, is_in_turns: bool
) -> Interval | None:
    """Return by how much it is worse, which is higher for a latency and lower for a rate; each end has its chance."""
    sides = (before, after) if asked.figure.is_worse_high else (after, before)
    low, high = (
        change_interval(*sides, 1 - 2 * chance, is_in_turns=is_in_turns)
        for chance in (asked.false_alarm, FALSE_PASS)
    )
    return Interval(low.point, low.low, high.high) if low and high else None


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
    if before.sent and before.failed == before.sent:
        found.append(f"{before.name}: not one of its {before.sent} requests was answered")
    if before.shape and after.shape and before.shape != after.shape:
        found.append("the loads differ: other lengths, rates or limits; only the same load can be compared")
    return found
