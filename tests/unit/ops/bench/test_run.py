"""The whole command as a person or cron would run it, and the operation on a fleet without SSH."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgectl.cli.main import app
from edgectl.errors import ExitCode, InputError
from edgectl.inventory.loader import load
from edgectl.ops.bench.run import OnNodes, bench_nodes
from edgectl.ops.bench.workload import Workload, checked
from edgectl.settings import read_settings
from edgectl.wiring.local import open_local_services
from tests.cli_run import Edgectl
from tests.remote.bench_server import TruthServer

# Figures that a busy machine condemns are still figures: 6 says so, and is as right as 0 here.
MEASURED = (ExitCode.DONE, ExitCode.STOPPED)
SHORT = Workload(concurrency=1, requests=3, output_tokens=5, prompt_tokens=8, model="{}", warmup_requests=0)

INVENTORY = """
pops:
  fra1:
    hosts:
      fra1-n1: {address: 127.0.0.1}
      fra1-n2: {address: 127.0.0.2}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[TruthServer]:
    made = TruthServer()
    yield made
    made.close()


@pytest.fixture
def fleet(tmp_path: Path, server: TruthServer) -> Path:
    (tmp_path / "inventory/services").mkdir(parents=True)
    (tmp_path / "inventory/fleet.yaml").write_text(INVENTORY)
    (tmp_path / "inventory/services/chat.yaml").write_text(f"name: chat\nserve: {{port: {server.port}}}\n")
    return tmp_path / "inventory"


@pytest.fixture
def edgectl(tmp_path: Path) -> Edgectl:
    return Edgectl(tmp_path, tmp_path / "none", {"EDGECTL_STATE": f"sqlite:///{tmp_path / 's.db'}"})


def _short(server: TruthServer, *words: str) -> list[str]:
    sizes = ["--requests", "5", "--output-tokens", "5", "--prompt-tokens", "8"]
    return ["bench", "run", "--url", server.url, "--model", "{}", *sizes, *words]


def test_each_host_measures_its_own_server(fleet: Path, server: TruthServer, tmp_path: Path) -> None:
    settings = read_settings(state=f"sqlite:///{tmp_path / 's.db'}")
    with open_local_services(settings, []) as here:
        services = replace(here, fleet=load(fleet))
        report = bench_nodes(services, OnNodes(service="chat"), checked(SHORT))

    good, bad = report.hosts
    assert (good.host, good.status, good.data["bench"]["requests"]["ok"]) == ("fra1-n1", "ok", 3)
    assert good.data["bench"]["load"]["url"] == f"http://127.0.0.1:{server.port}"
    assert (bad.host, bad.status, dict(bad.data)) == ("fra1-n2", "failed", {})
    assert "connect: " in bad.reason
    assert report.exit_code in (ExitCode.FAILED, ExitCode.STOPPED)
    assert {metric.labels.get("host") for metric in report.metrics} >= {"fra1-n1"}


def test_an_unknown_service_contacts_nobody(fleet: Path, tmp_path: Path) -> None:
    settings = read_settings(state=f"sqlite:///{tmp_path / 's.db'}")
    with open_local_services(settings, []) as here:
        services = replace(here, fleet=load(fleet))
        with pytest.raises(InputError, match=r"no service 'chta'.*did you mean 'chat'"):
            bench_nodes(services, OnNodes(service="chta"), checked(SHORT))


def test_a_url_is_measured_from_here_without_an_inventory(edgectl: Edgectl, server: TruthServer) -> None:
    done = edgectl(*_short(server, "--slo", "ttft=5s", "-o", "json"))

    assert done.code in MEASURED, done.err
    report = done.report()
    bench = report["data"]["bench"]
    assert report["hosts"] == []
    assert bench["requests"] == {"sent": 5, "ok": 5, "errors": {}, "examples": {}}
    for name in ("ttft_ms", "itl_ms", "icl_ms", "tpot_ms", "e2e_ms"):
        assert set(bench[name]) == {"mean", "p50", "p90", "p99", "n"}
    assert bench["ttft_ms"]["p99"] is None
    assert bench["slo"]["met"] == 5
    assert {"client_bound", "send_lag_ms", "client_cpu"} <= set(bench["validity"])


def test_a_key_reaches_the_server_and_neither_report_nor_store(
    edgectl: Edgectl, server: TruthServer, tmp_path: Path
) -> None:
    words = _short(server, "--api-key", "env:THE_KEY", "-o", "json")
    done = edgectl(*words, more={"THE_KEY": "s3cret-of-the-engine"})

    assert done.code in MEASURED, done.err
    assert "Bearer s3cret-of-the-engine" in server.keys
    assert "s3cret-of-the-engine" not in done.out + done.err
    assert b"s3cret-of-the-engine" not in (tmp_path / "s.db").read_bytes()


def test_a_server_that_is_not_there_is_a_failure(edgectl: Edgectl) -> None:
    done = edgectl("bench", "run", "--url", "http://127.0.0.1:1", "--requests", "2")

    assert done.code == ExitCode.FAILED
    assert "Connection refused" in done.out
    assert "exit 4" in done.out


def test_where_every_request_failed_the_figures_say_how(edgectl: Edgectl, server: TruthServer) -> None:
    # The probes and the warm-up are answered by the server, the measured requests are not.
    script = json.dumps({"measured": "500"})
    words = ["bench", "run", "--url", server.url, "--model", script, "--requests", "2", "-o", "json"]

    done = edgectl(*words)

    assert done.code in (ExitCode.FAILED, ExitCode.STOPPED)
    data = done.report()["data"]
    assert data["reason"] == "not one of 2 requests was answered: http_500 2"
    assert data["bench"]["requests"]["errors"] == {"http_500": 2}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rate", "1", "--concurrency", "2"], "exclude each other"),
        (["--requests", "1", "--duration", "5s"], "exclude each other"),
        (["--duration", "soon"], "a duration such as 90s"),
        (["--url", "http://h", "fra1"], "--url measures from here"),
        (["--url", "http://h", "--service", "chat"], "--url measures from here"),
        (["--service", "chat", "--port", "1"], "leave --port out"),
        (["--arrivals", "gamma", "--concurrency", "2"], "--arrivals is for --rate"),
        (["--slo", "ttft"], "such as ttft=300ms"),
        (["--api-key", "sk-1"], "not the key itself"),
        (["--rate", "0"], "more than 0"),
        (["--url", "10.0.0.1:8000"], "a URL such as"),
    ],
)
def test_a_wrong_command_line_is_refused_in_words(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    done = CliRunner().invoke(app, ["bench", "run", *words])

    assert done.exit_code == ExitCode.USAGE, done.stderr
    assert said in done.stderr


def test_junit_and_prometheus_carry_the_figures(edgectl: Edgectl, server: TruthServer) -> None:
    junit = edgectl(*_short(server, "--slo", "ttft=1ms", "-o", "junit"))
    prometheus = edgectl(*_short(server, "-o", "prometheus"))

    for name in ("measure", "slo", "client"):
        assert f'name="{name}"' in junit.out
    assert f'edgectl_bench_ttft_seconds{{quantile="0.5",url="{server.url}"}}' in prometheus.out
    assert "edgectl_bench_client_bound" in prometheus.out
