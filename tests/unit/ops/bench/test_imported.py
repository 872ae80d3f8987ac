"""Results of other tools in our words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgectl.errors import InputError
from edgectl.ops.bench.result_files import is_files, sides_of_files
from tests.unit.ops.bench.figures import a_record, an_object

CASES = Path(__file__).parents[3] / "cases/bench"
VLLM, GUIDELLM = str(CASES / "vllm.json"), str(CASES / "guidellm.json")


def test_vllm_s_itl_is_our_icl_and_its_tpot_ours() -> None:
    side = sides_of_files(VLLM)[""]

    assert side.figures["icl_ms.p50"] == [20.9]
    assert side.figures["tpot_ms.mean"] == [21.5]
    assert not any(key.startswith("itl_ms") for key in side.figures)
    assert (side.model, side.sent, side.failed) == ("Qwen/Qwen3-30B-A3B-FP8", 60, 2)
    assert any("with content or not" in note for note in side.notes)


def test_a_percentile_that_58_requests_cannot_bear_is_left_out() -> None:
    figures = sides_of_files(VLLM)[""].figures

    assert "ttft_ms.p99" not in figures
    assert figures["e2e_ms.p90"] == [3001.0]


def test_guidellm_s_inter_token_latency_is_our_tpot_and_its_tpot_is_left_out() -> None:
    side = sides_of_files(f"{GUIDELLM}#1")[""]

    assert side.figures["tpot_ms.p50"] == [20.75]
    assert side.figures["ttft_ms.p50"] == [94.0]
    assert side.figures["e2e_ms.mean"][0] == pytest.approx(2800)
    assert (side.sent, side.failed) == (153, 3)
    assert any("has the TTFT in it and is left out" in note for note in side.notes)
    assert "not in it: ICL, ITL" in side.notes


def test_a_report_of_guidellm_s_that_holds_several_wants_a_number() -> None:
    with pytest.raises(InputError, match=r"holds 2 benchmarks: name one, as .*guidellm\.json#1"):
        sides_of_files(GUIDELLM)
    with pytest.raises(InputError, match="and no #3"):
        sides_of_files(f"{GUIDELLM}#3")


def test_several_files_are_repeats_of_one_server() -> None:
    side = sides_of_files(f"{VLLM},{VLLM},{VLLM}")[""]

    assert side.repeats == 3
    assert side.figures["ttft_ms.p50"] == [88.25] * 3
    assert side.sent == 180


BROKEN = [
    ("{", "is no JSON"),
    ("[]", "no result that is known"),
    ('{"completed": 3, "request_throughput": 1}', "lacks what is needed: KeyError\\('output_throughput'\\)"),
    ('{"schema": "edgectl.report/1", "hosts": [], "data": {}}', "in which nothing was measured"),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_a_file_that_cannot_be_used_says_why(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(text)

    with pytest.raises(InputError, match=said):
        sides_of_files(str(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert is_files("nowhere.json")
    assert not is_files("01JDC4")
    with pytest.raises(InputError, match=r"cannot read .*no such file"):
        sides_of_files(str(tmp_path / "nowhere.json"))


def test_hosts_of_our_own_report_are_sides_by_name(tmp_path: Path) -> None:
    objects = [an_object([a_record(number, ttft_ms=ttft) for number in range(12)]) for ttft in (100, 200)]
    hosts = [
        {"host": "n1", "data": {"bench": objects[0], "repeats": objects}},
        {"host": "n2", "data": {"bench": objects[1]}},
        {"host": "n3", "data": {}},
    ]
    path = tmp_path / "ours.json"
    path.write_text(json.dumps({"schema": "edgectl.report/1", "hosts": hosts, "data": {}}))

    sides = sides_of_files(str(path))

    assert {name: side.repeats for name, side in sides.items()} == {"n1": 2, "n2": 1}
    assert sides["n1"].figures["ttft_ms.p50"] == pytest.approx([100, 200])
    assert sides["n1"].shape == sides["n2"].shape != ""
    assert list(sides_of_files(f"{path}#n2")) == ["n2"]
    with pytest.raises(InputError, match="there is no 'n4' in it"):
        sides_of_files(f"{path}#n4")


def test_a_real_report_of_guidellm_0_8_1_says_what_the_engine_s_pace_was() -> None:
    """It measured `paced_engine.py --first-ms 20 --gap-ms 4` at 20 requests of 20 tokens a second."""
    side = sides_of_files(str(CASES / "guidellm-0.8.1.json"))[""]

    assert (side.model, side.sent, side.failed) == ("paced", 120, 0)
    assert side.figures["tpot_ms.p50"][0] == pytest.approx(4, rel=0.02)
    assert side.figures["ttft_ms.p50"][0] == pytest.approx(20, rel=0.2)
    assert side.figures["e2e_ms.p50"][0] == pytest.approx(20 + 19 * 4, rel=0.1)
    assert side.figures["output_tokens_per_s"][0] == pytest.approx(400, rel=0.05)
