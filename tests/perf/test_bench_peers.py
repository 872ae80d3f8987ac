"""edgectl beside public load generators, on one server that knows the truth, in one run.

The peers want virtual environments of their own:

    for peer in guidellm==0.8.1 aiperf==0.13.0; do
        python3 -m venv /tmp/bench-peers/${peer%%=*} && /tmp/bench-peers/${peer%%=*}/bin/pip install $peer
    done
    .venv/bin/pytest -n 0 -s -m perf tests/perf/test_bench_peers.py

The server (`tests/remote/truth.c`: first token after 100 ms, then one every 10 ms) has the first core, the client
the second. It takes about a quarter of an hour; EDGECTL_BENCH_PEERS names another folder for the peers.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.nvml.branches import COMPILER, NO_COMPILER
from tests.perf.bench_clients import CLIENTS, PROMPT_TOKENS, TOKENS, WAYS, Client, run
from tests.perf.bench_table import bias, percentile, served
from tests.remote.truth import Script, TruthProgram

pytestmark = [
    pytest.mark.perf,
    pytest.mark.timeout(5400),
    pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER),
]

CALM_PER_S, CALM_COUNT = 40, 600
RATES = (50, 75, 100, 150, 200, 300, 400, 600, 800, 1200, 1600, 2000, 2400, 2800)
HELD_S = 5
LIMIT = 0.05


@dataclass(frozen=True)
class Errors:
    """How far a client's figures are from the truth, as shares of it; `rate` is the realised one."""

    ttft_mean: float
    ttft_p99: float
    itl_mean: float
    itl_p99: float
    gap_p99: float | None
    rate: float

    @property
    def is_within(self) -> bool:
        """Tell whether its means and its rate are within the limit."""
        return all(abs(off) <= LIMIT for off in (self.ttft_mean, self.itl_mean, self.rate))

    def line(self) -> str:
        figures = (self.ttft_mean, self.ttft_p99, self.itl_mean, self.itl_p99, self.gap_p99, self.rate)
        return "  ".join(f"{'n/a':>9}" if figure is None else f"{figure:>+9.2%}" for figure in figures)


_COLUMNS = "TTFT mean   TTFT p99   ITL mean    ITL p99    gap p99       rate"


@pytest.fixture(scope="module")
def program() -> Iterator[TruthProgram]:
    with served(Script(first_ms=100, gap_ms=10)) as made:
        yield made


def _errors(
    client: Client, way: str, program: TruthProgram, per_s: int, count: int, folder: Path
) -> Errors | None:
    program.forget()
    reported = run(client, way, (program.url, per_s, count), folder)
    truth = program.truth()
    # What a client asks before its load has other lengths.
    load = [one for one in truth.served if one.tokens == TOKENS]
    if reported is None or len(load) < count / 2:
        return None
    ttfts, itls = [one.ttft_ms for one in load], [one.tpot_ms for one in load]
    gaps = [gap for one in load for gap in one.gaps_ms()]
    received = sorted(one.received_ns for one in load)
    realised = (len(received) - 1) / (received[-1] - received[0]) * 1e9
    return Errors(
        bias(reported.ttft_mean, statistics.fmean(ttfts)),
        bias(reported.ttft_p99, percentile(ttfts, 99)),
        bias(reported.itl_mean, statistics.fmean(itls)),
        bias(reported.itl_p99, percentile(itls, 99)),
        None if reported.gap_p99 is None else bias(reported.gap_p99, percentile(gaps, 99)),
        bias(realised, per_s),
    )


def _highest(client: Client, program: TruthProgram, folder: Path) -> int:
    """Return the highest rate that is reported within the limit, either way."""
    highest = 0
    for per_s in RATES:
        count = max(300, per_s * HELD_S)
        tries = ((way, _errors(client, way, program, per_s, count, folder)) for way in WAYS)
        if not any(_told(client, way, per_s, errors) for way, errors in tries):
            break
        highest = per_s
    return highest


def _calm(client: Client, program: TruthProgram, folder: Path) -> Errors | None:
    """Return the errors at a rate that is easy for all, of the way that reads TTFT better."""
    found = {way: _errors(client, way, program, CALM_PER_S, CALM_COUNT, folder) for way in WAYS}
    for way, errors in found.items():
        _told(client, way, CALM_PER_S, errors)
    known = [errors for errors in found.values() if errors is not None]
    return min(known, key=lambda errors: abs(errors.ttft_mean), default=None)


def _told(client: Client, way: str, per_s: int, errors: Errors | None) -> bool:
    print(f"  {client.name:<10} {way:<10} {per_s:>5}/s  {errors.line() if errors else 'nothing reported'}")
    return errors is not None and errors.is_within


def test_errors_and_highest_rate_beside_the_peers(program: TruthProgram, tmp_path: Path) -> None:
    clients = [client for client in CLIENTS if client.is_there()]
    if len(clients) < len(CLIENTS):
        pytest.skip("needs guidellm and aiperf: see this file's head")
    for client in clients:
        words = client.command("URL", CALM_PER_S, CALM_COUNT, Path("FOLDER"))
        print(f"\n{client.name}: {client.version()}\n  {' '.join(words)}")

    print(f"\n  client     way           rate  {_COLUMNS}")
    calm = {}
    highest = {}
    for client in clients:
        calm[client.name] = _calm(client, program, tmp_path / client.name)
        highest[client.name] = _highest(client, program, tmp_path / client.name)

    print(
        f"\nerror at {CALM_PER_S} req/s of {PROMPT_TOKENS} + {TOKENS} tokens, and the highest rate within 5 %, one core"
    )
    print(f"  client      {_COLUMNS}  highest")
    for name, errors in calm.items():
        print(f"  {name:<10} {errors.line() if errors else 'nothing reported'}  {highest[name]:>6}/s")
    ours = calm.pop("edgectl")
    assert ours is not None
    for name, theirs in calm.items():
        assert theirs is None or abs(ours.ttft_mean) < abs(theirs.ttft_mean), name
        assert theirs is None or abs(ours.ttft_p99) < abs(theirs.ttft_p99), name
        assert theirs is None or abs(ours.itl_p99) < abs(theirs.itl_p99), name
        assert highest["edgectl"] > highest[name]
