"""The judging commands as a person or CI would run them, against engines whose pace is known."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgectl.cli.main import app
from edgectl.errors import ExitCode, InputError
from edgectl.inventory.loader import load
from edgectl.ops.bench.gate import gate_nodes
from edgectl.ops.bench.judging import Manner
from edgectl.ops.bench.run import OnNodes, bench_nodes
from edgectl.ops.bench.workload import Workload, checked
from edgectl.settings import read_settings
from edgectl.wiring.local import open_local_services
from tests.cli_run import Edgectl, Ended
from tests.engines import paced
from tests.fakes.bench_history import MemoryBenchHistory

SHORT = [
    "--concurrency",
    "4",
    "--requests",
    "16",
    "--output-tokens",
    "10",
    "--prompt-tokens",
    "8",
    "--warmup",
    "0",
]
CASES = Path(__file__).parents[1] / "cases/bench"
# On a busy machine a gate may not be able to tell; what it must never do is tell the wrong thing.
PASSED, FAILED = {ExitCode.DONE, ExitCode.STOPPED}, {ExitCode.FAILED, ExitCode.STOPPED}


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    with paced(10, 3) as url:
        yield url


@pytest.fixture(scope="module")
def slower() -> Iterator[str]:
    with paced(20, 6) as url:
        yield url


@pytest.fixture
def edgectl(tmp_path: Path) -> Edgectl:
    return Edgectl(tmp_path, tmp_path / "none", {"EDGECTL_STATE": f"sqlite:///{tmp_path / 's.db'}"})


def _verdict(done: Ended) -> str:
    assert done.out, done.err
    verdict: str = done.report()["data"]["gate"]["verdict"]
    return verdict


def _is_trusted(done: Ended) -> bool:
    return not done.report()["data"]["gate"]["reasons"]


def test_a_server_is_not_slower_than_itself(edgectl: Edgectl, engine: str) -> None:
    done = edgectl("bench", "compare", engine, engine, *SHORT, "--repeats", "3", "-o", "json")

    assert done.code in PASSED, done.out
    gate = done.report()["data"]["gate"]
    assert gate["before"]["repeats"] == gate["after"]["repeats"] == 3
    assert done.report()["data"]["bench"]["requests"]["sent"] == 16
    assert gate["before"]["requests"] == {"sent": 48, "failed": 0}


def test_a_server_that_takes_twice_as_long_fails_and_is_told_by_how_much(
    edgectl: Edgectl, engine: str, slower: str
) -> None:
    done = edgectl("bench", "compare", engine, slower, *SHORT, "--repeats", "3", "-o", "json")

    assert done.code in FAILED, done.out
    if _is_trusted(done):
        worse = done.report()["data"]["gate"]["figures"]["tpot.p50"]["worse"]
        assert worse["point"] == pytest.approx(1.0, abs=0.3)
        assert worse["low"] > 0.05


def test_a_gate_without_a_baseline_decides_nothing_and_says_how_to_make_one(
    edgectl: Edgectl, engine: str
) -> None:
    done = edgectl("bench", "gate", "--url", engine, *SHORT, "--repeats", "2")

    assert done.code == ExitCode.STOPPED
    assert "bench run --repeats 5" in done.out


def test_a_gate_finds_its_baseline_and_a_release_that_is_slower(edgectl: Edgectl) -> None:
    with paced(10, 3) as url:
        port = int(url.rpartition(":")[2])
        assert edgectl("bench", "run", "--url", url, *SHORT, "--repeats", "3").code in PASSED
        same = edgectl("bench", "gate", "--url", url, *SHORT, "--repeats", "3", "-o", "json")
    with paced(20, 6, port=port) as url:
        junit = edgectl("bench", "gate", "--url", url, *SHORT, "--repeats", "3", "-o", "junit")

    assert same.code in PASSED, same.out
    assert "run 01" in same.report()["data"]["gate"]["before"]["name"]
    assert junit.code in FAILED, junit.out
    suite = ET.fromstring(junit.out)
    assert {case.get("name") for case in suite} >= {"TTFT p50", "TPOT p50", "tokens"}
    assert int(suite.get("failures", 0)) + int(suite.get("errors", 0)) > 0


def test_a_file_is_a_baseline_for_another_machine(
    edgectl: Edgectl, engine: str, slower: str, tmp_path: Path
) -> None:
    before = edgectl("bench", "run", "--url", engine, *SHORT, "--repeats", "3", "-o", "json")
    (tmp_path / "before.json").write_text(before.out)

    done = edgectl("bench", "gate", "--url", slower, "--baseline", "before.json", *SHORT, "--repeats", "3")

    assert done.code in FAILED, done.out
    assert "before.json" in done.out


def test_two_runs_on_record_are_compared_without_measuring(edgectl: Edgectl, engine: str) -> None:
    runs = [
        edgectl("bench", "run", "--url", engine, *SHORT, "--repeats", "2", "-o", "json").report()["run"]
        for _ in range(2)
    ]

    done = edgectl("bench", "compare", *runs)

    assert done.code in PASSED, done.err
    assert runs[0][:10] in done.out
    assert edgectl("bench", "show", runs[0]).out.startswith(f"run {runs[0]} bench run")


def test_results_of_other_tools_are_compared_and_what_they_lack_is_told(edgectl: Edgectl) -> None:
    files = f"{CASES}/vllm.json", f"{CASES}/guidellm.json#1"

    done = edgectl("bench", "compare", *files)

    assert done.code == ExitCode.STOPPED
    assert "at least two repeats" in done.out
    assert "vLLM's TTFT ends with the first chunk" in done.out
    assert "guidellm's own TPOT has the TTFT in it and is left out" in done.out


def test_a_search_ends_between_what_holds_and_what_does_not(edgectl: Edgectl, tmp_path: Path) -> None:
    with paced(20, 4, slots=2, noise=0.0) as url:
        # Two slots of 56 ms each: 35.7 requests a second, and no more.
        words = ["--output-tokens", "10", "--prompt-tokens", "8", "--warmup", "0", "--arrivals", "constant"]
        pace = ["--rate", "10", "--duration", "500ms", "--requests", "30", "--slo", "ttft=60ms"]
        done = edgectl("bench", "search", "--url", url, *words, *pace, "-o", "json", "--html", "s.html")

    assert done.code in PASSED, done.err
    found = done.report()["data"]["search"]
    if done.code == ExitCode.DONE:
        assert 15 < found["rate"] < 40
        assert found["rate"] < found["too_high"]
    assert "req/s   served" in done.err
    assert {path.name for path in tmp_path.glob("s.*")} >= {"s.html", "s.csv", "s.json"}
    assert json.loads((tmp_path / "s.json").read_text())["command"] == "bench search"


def test_a_sweep_has_a_row_for_each_load(edgectl: Edgectl, engine: str) -> None:
    words = ["--output-tokens", "10", "--prompt-tokens", "8", "--streams", "2,1", "--duration", "500ms"]

    done = edgectl("bench", "sweep", "--url", engine, *words, "-o", "json")

    assert done.code in PASSED, done.err
    offered = [point["offered"] for point in done.report()["data"]["points"]]
    assert offered == [1, 2][: len(offered)]
    assert len(offered) == 2 or done.code == ExitCode.STOPPED


INVENTORY = """
pops:
  fra1:
    hosts:
      fra1-n1: {address: 127.0.0.1}
      fra1-n2: {address: 127.0.0.2}
"""


def test_each_node_is_judged_by_its_own_baseline(engine: str, tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(INVENTORY)
    settings = read_settings(state=f"sqlite:///{tmp_path / 's.db'}")
    nodes = OnNodes(port=int(engine.rpartition(":")[2]))
    workload = checked(
        Workload(concurrency=2, requests=8, output_tokens=5, prompt_tokens=8, warmup_requests=0)
    )
    manner = Manner(workload, {"tpot.p50": 0.5}, 2, 4)
    history = MemoryBenchHistory()
    with open_local_services(settings, []) as here:
        services = replace(here, fleet=load(tmp_path / "fleet.yaml"), bench=history)
        first = gate_nodes(services, nodes, "auto", manner)
        bench_nodes(services, nodes, workload, count=3)
        second = gate_nodes(services, nodes, "auto", manner)
        run = history.latest_run()
        by_run = gate_nodes(services, nodes, f"{run}#fra1-n1", manner)
        with pytest.raises(InputError, match="there is no 'fra1-n9' in it"):
            gate_nodes(services, nodes, f"{run}#fra1-n9", manner)

    fresh, away = first.hosts
    assert fresh.data["gate"]["verdict"] == "inconclusive"
    assert "no earlier measurement" in fresh.data["gate"]["reasons"][0]
    # The other one answers nothing: that is no question of noise.
    assert away.data["gate"]["verdict"] == "fail"
    assert first.exit_code == ExitCode.FAILED
    known = second.hosts[0].data["gate"]
    assert known["before"]["repeats"] in (2, 3)
    assert known["after"]["repeats"] in (2, 4)
    assert known["verdict"] in ("pass", "inconclusive")
    assert by_run.hosts[0].data["gate"]["before"]["name"].endswith("fra1-n1")
    commands = [record.command for record in history.of_subjects(["fra1-n1"], first.started)]
    assert commands[:5] == ["bench gate"] * 2 + ["bench run"] * 3


def test_two_servers_of_a_node_are_measured_in_turns(engine: str, slower: str, tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(INVENTORY)
    settings = read_settings(state=f"sqlite:///{tmp_path / 's.db'}")
    old, new = (int(url.rpartition(":")[2]) for url in (engine, slower))
    workload = checked(
        Workload(concurrency=2, requests=8, output_tokens=5, prompt_tokens=8, warmup_requests=0)
    )
    history = MemoryBenchHistory()
    with open_local_services(settings, []) as here:
        services = replace(here, fleet=load(tmp_path / "fleet.yaml"), bench=history)
        manner = Manner(workload, {"tpot.p50": 0.05}, 3, 3)
        report = gate_nodes(services, OnNodes("fra1-n1", port=new), f"port:{old}", manner)
        dead = gate_nodes(services, OnNodes("fra1-n1", port=new), "port:1", manner)

    gate = report.hosts[0].data["gate"]
    assert gate["verdict"] in ("fail", "inconclusive")
    assert (gate["before"]["name"], gate["after"]["name"]) == (f"fra1-n1:{old}", "fra1-n1")
    assert gate["before"]["repeats"] == gate["after"]["repeats"] == 3
    subjects = [f"fra1-n1:{old}", "fra1-n1", "fra1-n1", f"fra1-n1:{old}", f"fra1-n1:{old}", "fra1-n1"]
    assert [record.subject for record in history.of_run(report.run)] == subjects
    # A baseline that does not answer says nothing of the other one.
    assert dead.hosts[0].data["gate"]["verdict"] == "inconclusive"


WRONG = [
    (["compare", "a", "b", "--repeats", "1"], "greater than or equal to 2"),
    (["compare", "auto", "http://h"], "'auto' is for bench gate"),
    (["compare", "http://h"], "Missing argument"),
    (["gate", "--url", "http://h", "fra1"], "--url measures from here"),
    (["gate", "fra1", "--baseline", "http://h"], "give the server as --url too"),
    (["gate", "--url", "http://h", "--allow", "5"], "a share such as 5%"),
    (["gate", "--url", "http://h", "--html", "page.txt"], "ends in .html"),
    (["gate", "--url", "http://h", "--html", "no/where.html"], "there is no folder"),
    (["gate", "fra1", "--baseline", "port:x"], "a port such as port:8001"),
    (["search", "--url", "http://h"], "what must hold"),
    (
        ["search", "--url", "http://h", "--slo", "ttft=1s", "--trace", "t.csv"],
        "the rate is what it looks for",
    ),
    (["sweep", "--url", "http://h", "--rates", "1", "--streams", "1"], "exclude each other"),
    (["sweep", "--url", "http://h", "--streams", "1,x"], "whole numbers such as"),
    (["run", "--url", "http://h", "--profile", "quick", "--rate", "2"], "leave --rate out"),
    (["run", "--url", "http://h", "--profile", "slow"], "'slow' is not"),
    (["show", "-l", "fra1"], "--limit is for --outliers"),
]


@pytest.mark.parametrize(("words", "said"), WRONG)
def test_a_wrong_command_line_is_refused_in_words(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    done = CliRunner().invoke(app, ["bench", *words])

    assert done.exit_code == ExitCode.USAGE, done.stderr
    assert said in done.stderr


UNUSABLE = [
    (["compare", "nowhere.json", "http://127.0.0.1:1"], "cannot read nowhere.json: no such file"),
    (["compare", "01NOSUCHRUN", "01NOSUCHRUN"], "no URL, no file, and no one run"),
    (["gate", "--url", "http://127.0.0.1:1", "--repeats", "2"], "cannot be measured"),
    (["show", "01NOSUCHRUN"], "no run '01NOSUCHRUN' measured anything"),
]


@pytest.mark.parametrize(("words", "said"), UNUSABLE)
def test_what_cannot_be_used_is_bad_input(edgectl: Edgectl, words: list[str], said: str) -> None:
    done = edgectl("bench", *words)

    assert done.code == ExitCode.INPUT, done.out + done.err
    assert said in done.err


def test_nothing_on_record_is_no_mistake(edgectl: Edgectl) -> None:
    done = edgectl("bench", "show")

    assert (done.code, done.out) == (0, "nothing was measured yet: edgectl bench run\n")
