"""Every way in which a server can fail a client, caused for real."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.fleet import a_job, a_task
from tests.remote.bench_answers import FAILURES, GOOD
from tests.remote.bench_server import CLIENT, ROOT, TruthServer, run_client
from tests.remote.bundled import BundledHost
from tests.remote.test_registry import pythons


@pytest.fixture(scope="module")
def server() -> Iterator[TruthServer]:
    made = TruthServer()
    yield made
    made.close()


@pytest.mark.parametrize(("mode", "kind"), FAILURES.items())
def test_each_failure_is_counted_as_its_own_kind(server: TruthServer, mode: str, kind: str) -> None:
    timeout_s = 0.5 if kind == "timeout" else 20
    seen = run_client(
        server.url, script={"mode": mode}, concurrency=1, requests=2, output_tokens=8, timeout_s=timeout_s
    )

    assert seen["bench"]["requests"]["errors"] == {kind: 2}
    assert seen["bench"]["requests"]["ok"] == 0
    assert seen["bench"]["ttft_ms"] == {"mean": None, "p50": None, "p90": None, "p99": None, "n": 0}


# What the client took at most for an answer that is never over, workers and all; Python itself takes some 20 MiB.
PEAK_KIB = 150 * 1024


@pytest.mark.parametrize(
    ("mode", "requests"),
    [
        ("garbage", 6),
        ("garbage_chunks", 1),
        ("garbage_head", 6),
        ("garbage_chunk_length", 6),
        ("garbage_events", 6),
        ("garbage_comments", 6),
        ("garbage_error", 6),
    ],
)
def test_a_gigabyte_of_anything_is_refused_in_bounded_memory(
    server: TruthServer, mode: str, requests: int
) -> None:
    seen = run_client(server.url, script={"mode": mode}, concurrency=1, requests=requests, timeout_s=40)

    assert seen["bench"]["requests"]["errors"] == {"protocol": requests}
    assert seen["peak_kib"] < PEAK_KIB


def test_a_redirect_says_where_to(server: TruthServer) -> None:
    seen = run_client(server.url, script={"mode": "redirect"}, concurrency=1, requests=1)

    assert seen["bench"]["requests"]["examples"] == {"http_302": "moved to http://elsewhere/"}


def test_an_answer_that_comes_before_the_request_is_out_is_read(server: TruthServer) -> None:
    seen = run_client(server.url, script={"mode": "early"}, concurrency=1, requests=2, prompt_tokens=100_000)

    assert set(seen["bench"]["requests"]["errors"]) <= {"http_413", "reset"}
    assert seen["bench"]["requests"]["ok"] == 0


def test_a_bad_server_holds_up_no_other_stream(server: TruthServer) -> None:
    """One that trickles, at a rate, until its time is up: the others are sent when they are due."""
    seen = run_client(server.url, script={"mode": "trickle"}, rate=40, requests=40, timeout_s=0.8)

    assert seen["bench"]["requests"]["errors"] == {"timeout": 40}
    assert seen["bench"]["validity"]["send_lag_ms"]["p50"] < 10
    assert all(0.75 < (r["ended_ns"] - r["started_ns"]) / 1e9 < 1.2 for r in seen["records"])


def test_a_name_with_several_addresses_is_tried_until_one_answers(server: TruthServer) -> None:
    seen = run_client(f"http://localhost:{server.port}", concurrency=1, requests=2, output_tokens=2)

    assert seen["bench"]["requests"]["ok"] == 2


def test_a_connection_that_never_comes_about_is_an_error_of_connecting() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(1)]
        seen = run_client(f"http://127.0.0.1:{port}", concurrency=3, requests=6, timeout_s=0.5)
        for line in waiting:
            line.close()

    assert seen["bench"]["requests"]["errors"] == {"connect": 6}


def test_a_core_that_is_not_there_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    host = BundledHost(tmp_path)
    load = {"url": "http://127.0.0.1:1", "model": "m", "concurrency": 1, "requests": 1, "cores": [0, 4095]}

    result = host.run(a_job([a_task(1, "bench_load", load)])).results["task 1"]

    assert result["msg"] == "this host has no core 4095 for the client"


def test_a_refused_connection_is_an_error_of_connecting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and never listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        seen = run_client(url, concurrency=1, requests=2)

    assert seen["bench"]["requests"]["errors"] == {"connect": 2}


@pytest.mark.parametrize("mode", GOOD)
def test_a_good_answer_is_read_however_it_is_cut_and_framed(server: TruthServer, mode: str) -> None:
    seen = run_client(server.url, script={"mode": mode}, concurrency=1, requests=3, output_tokens=10)

    assert seen["bench"]["requests"] == {"sent": 3, "ok": 3, "errors": {}, "examples": {}}
    assert seen["bench"]["tokens"]["output"]["mean"] == 10
    assert all(len(record["chunks_ns"]) == 10 for record in seen["records"])


def test_a_stream_without_done_counts_where_it_has_a_finish_reason(server: TruthServer) -> None:
    seen = run_client(server.url, script={"done": False}, concurrency=1, requests=2)

    assert seen["bench"]["requests"]["ok"] == 2


def test_a_failed_request_met_no_slo(server: TruthServer) -> None:
    slo = {"ttft_ms": 10_000}
    bad = run_client(server.url, script={"mode": "500"}, concurrency=1, requests=2, slo=slo)
    good = run_client(server.url, concurrency=1, requests=2, slo=slo)

    assert bad["bench"]["slo"] == {
        "limits": {"ttft_ms": 10_000.0}, "met": 0, "of": 2, "requests_per_s": 0.0, "output_tokens_per_s": 0.0,
    }  # fmt: skip
    assert good["bench"]["slo"]["met"] == 2


@pytest.mark.parametrize("python", [python for python in pythons() if python != sys.executable])
def test_the_client_runs_on_every_supported_python(server: TruthServer, python: str) -> None:
    seen = run_client(server.url, python=python, rate=50, requests=4, output_tokens=4, processes=2)

    assert seen["bench"]["requests"]["ok"] == 4


def test_no_worker_goes_on_when_the_process_that_wanted_it_is_killed(server: TruthServer) -> None:
    load = {"url": server.url, "model": '{"first_ms": 50}', "concurrency": 1, "duration_s": 60, "seed": 77}
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT], stdin=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}
    ) as client:
        assert client.stdin is not None
        client.stdin.write(json.dumps(load).encode())
        client.stdin.close()
        _wait_until(lambda: "edgectl-77-3" in server.truth)
        os.kill(client.pid, signal.SIGKILL)

    assert _wait_until(lambda: _is_quiet(server))


def _is_quiet(server: TruthServer) -> bool:
    """Tell whether no request came for ten times as long as one takes."""
    before = len(server.truth)
    time.sleep(0.6)
    return len(server.truth) == before


def _wait_until(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False
