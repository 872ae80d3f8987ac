"""A judgement told: a row for each figure, and what decided. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any, assert_never

from edgectl.ops.bench.figures import Figure
from edgectl.ops.bench.intervals import Interval
from edgectl.ops.bench.verdict import FALSE_ALARM, FALSE_PASS, Judged, Judgement, Side, Verdict
from edgectl.report import Chart, Check, Line, Metric, Section, Series, Table, Tone

# Nobody waits for more of them.
_MANY_REPEATS = 50
_CHECK_WORDS = {Verdict.PASS: "ok", Verdict.FAIL: "failed", Verdict.INCONCLUSIVE: "unknown"}


def judgement_lines(before: Side, after: Side, judgement: Judgement) -> list[Line | Table]:
    """Return the whole of it, for a person."""
    columns = ["", "", ">before", ">after", ">worse by", "surely within", ">allowed", ""]
    return [
        Line(f"before  {before.name}   {_repeats(before)}"),
        Line(f"after   {after.name}   {_repeats(after)}"),
        *([Table(columns, [_row(judged) for judged in judgement.figures])] if before.repeats else []),
        verdict_line(judgement),
        *(Line(f"  {note}", Tone.QUIET) for note in dict.fromkeys([*before.notes, *after.notes])),
    ]


def verdict_line(judgement: Judgement) -> Line:
    """Return the verdict in one line, with what decided and what to do."""
    match judgement.verdict:
        case Verdict.PASS:
            return Line("pass: no figure is worse by more than is allowed", Tone.GOOD)
        case Verdict.FAIL:
            said = [
                *judgement.reasons,
                *(_failed(one) for one in judgement.figures if one.verdict is Verdict.FAIL),
            ]
            return Line(f"FAIL: {'; '.join(said)}", Tone.BAD)
        case Verdict.INCONCLUSIVE:
            return Line(f"inconclusive: {_why_inconclusive(judgement)}", Tone.NOTICE)
        case _:
            assert_never(judgement.verdict)


def judgement_checks(subject: str, judgement: Judgement) -> list[Check]:
    """Return a check for each figure, and one for what stands above them."""
    checks = [
        Check(one.figure.shown, subject, _CHECK_WORDS[one.verdict], _fact(one)) for one in judgement.figures
    ]
    if judgement.reasons:
        message = "; ".join(judgement.reasons)
        checks.append(Check("measurement", subject, _CHECK_WORDS[judgement.verdict], message))
    return checks


def judgement_data(before: Side, after: Side, judgement: Judgement) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "verdict": judgement.verdict.value,
        "reasons": list(judgement.reasons),
        "chances": {"false_alarm": FALSE_ALARM, "false_pass": FALSE_PASS},
        "before": _side_data(before),
        "after": _side_data(after),
        "figures": {
            one.figure.name: {
                "verdict": one.verdict.value,
                "before": list(one.before),
                "after": list(one.after),
                "worse": one.worse
                and {"point": one.worse.point, "low": one.worse.low, "high": one.worse.high},
                "allowed": one.allowed,
            }
            for one in judgement.figures
        },
    }


def judgement_metrics(subject: str, judgement: Judgement) -> list[Metric]:
    """Return by how much each figure is worse, as shares, and the verdict."""
    found = [
        Metric("edgectl_bench_gate_worse_ratio", "How much worse a figure is.", share, labels)
        for one in judgement.figures
        if one.worse is not None
        for bound, share in (("point", one.worse.point), ("low", one.worse.low), ("high", one.worse.high))
        for labels in [{"subject": subject, "figure": one.figure.name, "bound": bound}]
    ]
    said = "1 for the verdict that a gate came to."
    return found + [
        Metric(
            "edgectl_bench_gate_verdict",
            said,
            float(judgement.verdict is verdict),
            {"subject": subject, "verdict": verdict.value},
        )
        for verdict in Verdict
    ]


def judgement_section(judgement: Judgement) -> Section:
    """Return each figure's repeats as curves, in which a drift would be seen."""
    charts = [
        Chart(
            one.figure.shown,
            "repeat",
            f"{one.figure.shown} ({one.figure.unit})",
            [
                Series(name, [(float(number), value) for number, value in enumerate(values, start=1)])
                for name, values in (("before", one.before), ("after", one.after))
                if values
            ],
            is_close_up=True,
        )
        for one in judgement.figures
        if one.before or one.after
    ]
    return Section("Repeats", charts)


def _side_data(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "repeats": side.repeats,
        "model": side.model,
        "requests": {"sent": side.sent, "failed": side.failed},
        "notes": list(side.notes),
    }


def _repeats(side: Side) -> str:
    count = "1 measurement" if side.repeats == 1 else f"{side.repeats} repeats"
    return f"{count}, {side.model}" if side.model else count


def _row(one: Judged) -> list[str]:
    worse = one.worse
    return [
        one.figure.shown,
        one.figure.unit,
        _mean(one.figure, one.before),
        _mean(one.figure, one.after),
        _signed(worse.point) if worse else "n/a",
        _span(worse) if worse else one.why,
        f"{one.allowed * 100:g} %",
        one.verdict.value,
    ]


def _mean(figure: Figure, values: Sequence[float]) -> str:
    return figure.number(fmean(values)) if values else "n/a"


def _signed(share: float) -> str:
    return f"{share * 100:+.1f} %".replace("-", "\N{MINUS SIGN}")


def _failed(one: Judged) -> str:
    if one.worse is None:
        return one.why
    at_least = f"at least {one.worse.low * 100:.1f} %"
    return f"{one.figure.shown} is {one.worse.point * 100:.1f} % worse ({at_least}), {one.allowed * 100:g} % allowed"


def _why_inconclusive(judgement: Judgement) -> str:
    if judgement.reasons:
        return "; ".join(judgement.reasons)
    open_ones = [one for one in judgement.figures if one.verdict is Verdict.INCONCLUSIVE]
    said = "; ".join(_sentence(one) for one in open_ones)
    return f"{said}; {_advice(open_ones)}"


def _advice(open_ones: Sequence[Judged]) -> str:
    """Return what would decide it: an interval narrows with the root of the repeats."""
    wanted = [_repeats_wanted(one, one.worse) for one in open_ones if one.worse is not None]
    if not wanted or max(wanted) > _MANY_REPEATS:
        return "take more --repeats, longer ones, or a quieter machine"
    return f"about {max(wanted)} --repeats would tell"


def _repeats_wanted(one: Judged, worse: Interval) -> int:
    reach = worse.point - worse.low if worse.point > one.allowed else worse.high - worse.point
    distance = abs(worse.point - one.allowed)
    count = min(len(one.before), len(one.after))
    return _MANY_REPEATS + 1 if not distance else max(count + 1, math.ceil(count * (reach / distance) ** 2))


def _sentence(one: Judged) -> str:
    return f"{one.figure.shown}: {_fact(one)}"


def _fact(one: Judged) -> str:
    return one.why if one.worse is None else f"{_span(one.worse)} worse, {one.allowed * 100:g} % allowed"


def _span(worse: Interval) -> str:
    return f"{_signed(worse.low).removesuffix(' %')} to {_signed(worse.high)}"
