from __future__ import annotations

import pytest

from edgectl.errors import UsageError
from edgectl.ops.bench.figures import JUDGED, parse_allowed
from edgectl.ops.bench.judged_lines import verdict_line
from edgectl.ops.bench.verdict import Side, Verdict, judge

TTFT = {"ttft.p50": 0.05}
STEADY = [100.0, 100.4, 99.8, 100.1, 99.9]


def _side(values: list[float], name: str = "a", **more: object) -> Side:
    return Side(name, {"ttft_ms.p50": values}, len(values), **more)  # type: ignore[arg-type]


def _verdict(before: list[float], after: list[float], *, is_in_turns: bool = False) -> Verdict:
    return judge(_side(before), _side(after), TTFT, is_in_turns=is_in_turns).verdict


CASES = [
    ("the same again", STEADY, STEADY, Verdict.PASS),
    ("surely slower than is allowed", STEADY, [value * 1.1 for value in STEADY], Verdict.FAIL),
    ("surely slower, by less than is allowed", STEADY, [value * 1.03 for value in STEADY], Verdict.PASS),
    ("faster", STEADY, [value * 0.8 for value in STEADY], Verdict.PASS),
    # The point estimate is past what is allowed, and so is much of the interval; its near end is not.
    ("slower, and too noisy to be sure", STEADY, [90.0, 125.0, 104.0, 131.0, 99.0], Verdict.INCONCLUSIVE),
    ("much slower, however noisy", STEADY, [190.0, 225.0, 204.0, 231.0, 199.0], Verdict.FAIL),
    ("on the line", STEADY, [value * 1.05 for value in STEADY], Verdict.INCONCLUSIVE),
    ("measured once", [100.0], [150.0], Verdict.INCONCLUSIVE),
]


@pytest.mark.parametrize(
    ("before", "after", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_a_figure_fails_only_where_the_interval_says_so_too(
    before: list[float], after: list[float], expected: Verdict
) -> None:
    assert _verdict(before, after) is expected


def test_a_rate_is_worse_where_it_is_lower() -> None:
    before = Side("a", {"output_tokens_per_s": [400.0, 401.0, 399.0]}, 3)
    after = Side("b", {"output_tokens_per_s": [340.0, 341.0, 339.0]}, 3)

    assert judge(before, after, {"tokens": 0.05}, is_in_turns=False).verdict is Verdict.FAIL
    assert judge(after, before, {"tokens": 0.05}, is_in_turns=False).verdict is Verdict.PASS


def test_a_figure_that_one_repeat_lacks_decides_nothing() -> None:
    lacking = Side("b", {"ttft_ms.p50": [100.0, 101.0]}, 3)

    found = judge(_side(STEADY), lacking, TTFT, is_in_turns=False)

    assert found.verdict is Verdict.INCONCLUSIVE
    assert "not every repeat has it" in found.figures[0].why


def test_failed_requests_fail_however_fast_the_rest_is() -> None:
    found = judge(_side(STEADY, sent=500), _side(STEADY, sent=500, failed=20), TTFT, is_in_turns=False)

    assert found.verdict is Verdict.FAIL
    assert found.reasons == ["20 of 500 requests failed, 0 of 500 before"]


def test_a_few_failed_requests_more_are_chance() -> None:
    before, after = _side(STEADY, sent=500, failed=1), _side(STEADY, sent=500, failed=4)

    assert judge(before, after, TTFT, is_in_turns=False).verdict is Verdict.PASS


def test_what_the_client_made_is_never_a_verdict() -> None:
    slower = _side([value * 2 for value in STEADY], name="b", doubts=["2 of 5 repeats cannot be trusted"])

    found = judge(_side(STEADY), slower, TTFT, is_in_turns=False)

    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons == ["b: 2 of 5 repeats cannot be trusted"]


def test_different_loads_are_not_compared() -> None:
    found = judge(_side(STEADY, shape="a"), _side(STEADY, shape="b"), TTFT, is_in_turns=False)

    assert found.verdict is Verdict.INCONCLUSIVE
    assert "the loads differ" in found.reasons[0]


def test_asking_for_more_figures_needs_more_to_fail_and_no_less_to_pass() -> None:
    values = {f"ttft_ms.{name}": STEADY for name in ("mean", "p50", "p90")}
    side = Side("a", values, 5)

    alone = judge(side, side, TTFT, is_in_turns=False).figures[0].worse
    names = ["ttft.mean", "ttft.p50", "ttft.p90"]
    among = judge(side, side, dict.fromkeys(names, 0.05), is_in_turns=False).figures[1].worse

    assert alone is not None
    assert among is not None
    assert among.low < alone.low
    assert among.high == alone.high


def test_one_share_is_for_what_is_judged_by_default() -> None:
    assert parse_allowed("7.5%") == dict.fromkeys(JUDGED, 0.075)


def test_named_shares_are_for_these_alone() -> None:
    assert parse_allowed("ttft.p99=20%, tokens=5%") == {"ttft.p99": 0.2, "tokens": 0.05}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5", "a share such as 5%"),
        ("0%", "a share such as 5%"),
        ("fast", "a share such as 5%"),
        ("", "wants a share"),
        ("tftt.p50=5%", "did you mean 'ttft.p50'"),
        ("ttft.p50=5", "a share such as 5%"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(UsageError, match="--allow") as refused:
        parse_allowed(text)
    assert said in refused.value.message


def test_what_cannot_be_told_says_how_many_repeats_would_tell() -> None:
    noisy = [100.0, 103.0, 97.0, 101.0, 99.0]

    near = judge(_side(noisy), _side([value * 1.03 for value in noisy]), TTFT, is_in_turns=False)
    far = judge(_side([60.0, 140.0]), _side([70.0, 130.0]), TTFT, is_in_turns=False)

    assert verdict_line(near).text.endswith("5 % allowed; about 10 --repeats would tell")
    assert verdict_line(far).text.endswith("or a quieter machine")
