"""The accuracy tests of a load generator, each a row: what is to hold, and what was seen."""

from __future__ import annotations

import itertools
import json
import math
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from edgectl.errors import ExitCode
from edgectl.remote.args import build
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.power import integral_j
from edgectl.remote.bench.schedule import arrivals_ns
from tests.cli_run import Edgectl
from tests.perf.bench_table import SEED, Row, Run, bias, measured, on_core, percentile, served, variation
from tests.remote.bench_answers import FAILURES, GOOD
from tests.remote.bench_engine import KEY
from tests.remote.bench_server import ROOT, TruthServer, run_client
from tests.remote.truth import Script, serving, stepped_clock


def stamps_of_one_stream() -> Row:
    with served(Script()) as program:
        errors = measured(program, concurrency=1, requests=40, output_tokens=50).stamp_errors_ms()
    p50, p99 = percentile(errors, 50), percentile(errors, 99)
    return Row(
        "1 chunk stamps, 1 stream",
        "p50 <= 0.3 ms, p99 <= 1 ms",
        f"{p50:.3f}, {p99:.3f}",
        p50 <= 0.3 and p99 <= 1,
    )


def stamps_of_many_streams(streams: int, limit_ms: float) -> Row:
    with served(Script(gap_ms=20)) as program:
        run = measured(program, concurrency=streams, requests=2 * streams, output_tokens=150)
    p99 = percentile(run.stamp_errors_ms(), 99)
    return Row(
        f"2 chunk stamps, {streams} streams x 50 tok/s",
        f"p99 <= {limit_ms:g} ms",
        f"{p99:.3f}, client cpu {run.bench['validity']['client_cpu']:.0%}",
        p99 <= limit_ms,
    )


def means() -> list[Row]:
    with served(Script(first_ms=50)) as program:
        run = measured(program, rate=20, requests=300, output_tokens=60)
    found = []
    for name, figure in (("ttft_ms", "ttft_ms"), ("tpot_ms", "tpot_ms")):
        ours, truth = run.bench[name]["mean"], run.truth.mean(figure)
        off = bias(ours, truth)
        found.append(
            Row(
                f"3 mean {name.partition('_')[0].upper()}, 20 req/s",
                "bias <= 1 % and <= 1 ms",
                f"{ours:.3f} of {truth:.3f} ms, {off:+.2%}",
                abs(off) <= 0.01 and abs(ours - truth) <= 1,
            )
        )
    return found


def rate(per_s: int, seconds: int) -> list[Row]:
    with served(Script(gap_ms=2)) as program:
        run = measured(
            program, rate=per_s, duration_s=seconds, output_tokens=10, arrivals="constant", prompt_tokens=64
        )
    received = run.received_s()
    realised = (len(received) - 1) / received[-1]
    lag = percentile([(record["started_ns"] - record["scheduled_ns"]) / 1e6 for record in run.records], 99)
    late = [
        (one.received_ns - record["scheduled_ns"]) / 1e6
        for record, one in sorted(run.pairs(), key=lambda pair: int(pair[0]["number"]))
    ]
    third = len(late) // 3
    drift = statistics.fmean(late[-third:]) - statistics.fmean(late[:third])
    off = bias(realised, per_s)
    held = abs(off) <= 0.005 and lag <= 2 and abs(drift) <= 1
    found = [
        Row(
            f"4 rate {per_s}/s for {seconds} s",
            "±0.5 %, send lag p99 <= 2 ms, no drift",
            f"{realised:.3f}/s, lag {lag:.3f} ms, drift {drift:+.3f} ms",
            held,
        )
    ]
    if per_s == 100:
        cv = variation([later - earlier for earlier, later in itertools.pairwise(received)])
        found.append(Row("5 constant at the server", "gap CV < 0.02", f"{cv:.4f}", cv < 0.02))
    return found


_DRAWS = 200_000


def arrivals() -> list[Row]:
    found = []
    laws: dict[str, Callable[[float], float]] = {
        "poisson": lambda x: 1 - math.exp(-x),
        # Gamma of shape 1/2 and mean 1: P(1/2, x/2) = erf(sqrt(x/2)).
        "gamma": lambda x: math.erf(math.sqrt(x / 2)),
    }
    for kind, law in laws.items():
        load = build(
            Load, {"url": "http://h", "rate": 100, "requests": _DRAWS, "arrivals": kind, "seed": SEED}
        )
        due = arrivals_ns(load)
        gaps = [(later - earlier) / 1e7 for earlier, later in itertools.pairwise(due)]
        off = statistics.fmean(gaps) - 1
        p = _kolmogorov(gaps[:10_000], law)
        exact = due == arrivals_ns(load)
        found.append(
            Row(
                f"5 {kind} arrivals",
                "seed-exact, mean ±1 %, KS p > 0.01",
                f"{'exact' if exact else 'differs'}, {off:+.2%}, p = {p:.2f}",
                exact and abs(off) <= 0.01 and p > 0.01,
            )
        )
    return found


def _kolmogorov(values: Sequence[float], law: Callable[[float], float]) -> float:
    """Return the asymptotic p-value of the Kolmogorov-Smirnov test."""
    ordered = sorted(values)
    n = len(ordered)
    distance = max(
        max((place + 1) / n - law(value), law(value) - place / n) for place, value in enumerate(ordered)
    )
    scaled = distance * (math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n))
    p = 2 * sum((-1.0) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return float(min(1.0, max(0.0, p)))


def coordinated_omission() -> Row:
    with served(Script(first_ms=500)) as program:
        run = measured(
            program,
            rate=10,
            requests=8,
            arrivals="constant",
            output_tokens=1,
            max_in_flight=1,
            warmup_requests=1,
        )
    mean, service = run.bench["ttft_scheduled_ms"]["mean"], run.bench["ttft_ms"]["mean"]
    most = max((record["first_content_ns"] - record["scheduled_ns"]) / 1e6 for record in run.records)
    return Row(
        "6 coordinated omission, 500 ms, cap 1, 10/s",
        "mean 1900, max 3300 ms ±2 %, service 500 apart",
        f"{mean:.0f}, {most:.0f}, service {service:.1f}",
        all(abs(bias(*pair)) <= 0.02 for pair in ((mean, 1900), (most, 3300), (service, 500))),
    )


def freezes() -> Row:
    """A request is slow where it comes in a freeze, all but its last 80 ms, or within its own 20 ms before one."""
    script = Script(first_ms=10, gap_ms=1, freeze_every_ms=20_000, freeze_ms=2_000)
    with served(script) as program:
        run = measured(
            program, rate=100, duration_s=40, output_tokens=11, prompt_tokens=64, arrivals="constant"
        )
    slow = [(record["chunks_ns"][-1] - record["scheduled_ns"]) / 1e6 > 100 for record in run.records]
    share, analytic = statistics.fmean(slow), (2.0 - 0.08 + 0.02) / 20
    return Row(
        "7 freeze of 2 s every 20 s, 100 req/s",
        f"share over 100 ms = {analytic:.1%} ±1 point",
        f"{share:.2%}",
        abs(share - analytic) <= 0.01,
    )


def tokens_per_chunk() -> Row:
    seen: dict[int, Run] = {}
    for per_chunk in (1, 4, 20):
        with served(Script(gap_ms=per_chunk, per_chunk=per_chunk)) as program:
            seen[per_chunk] = measured(program, concurrency=2, requests=4, output_tokens=4000)
    tpot = {count: run.bench["tpot_ms"]["mean"] for count, run in seen.items()}
    icl = {
        count: run.bench["icl_ms"]["mean"] / seen[1].bench["icl_ms"]["mean"] for count, run in seen.items()
    }
    same = all(abs(bias(tpot[count], tpot[1])) <= 0.01 for count in tpot)
    scaled = all(abs(bias(icl[count], count)) <= 0.01 for count in icl)
    return Row(
        "8 tokens per chunk 1, 4, 20",
        "TPOT ±1 %, ICL x1, x4, x20",
        f"TPOT {tpot[1]:.4f} {tpot[4]:.4f} {tpot[20]:.4f} ms, ICL x{icl[4]:.2f} x{icl[20]:.2f}",
        same and scaled,
    )


def role_chunk() -> Row:
    with served(Script(first_ms=400, role_ms=100)) as program:
        run = measured(program, concurrency=4, requests=20, output_tokens=5)
    mean = run.bench["ttft_ms"]["mean"]
    return Row(
        "9 role at 100 ms, content at 400 ms", "TTFT 400 ±2 ms", f"{mean:.3f} ms", abs(mean - 400) <= 2
    )


def bad_servers() -> Row:
    server = TruthServer()
    right = []
    for mode in (*FAILURES, *GOOD):
        timeout_s = 0.5 if FAILURES.get(mode) == "timeout" else 20
        load: dict[str, Any] = {"concurrency": 1, "requests": 2, "output_tokens": 10, "timeout_s": timeout_s}
        seen = run_client(server.url, script={"mode": mode}, **load)["bench"]
        if mode in FAILURES:
            right.append(seen["requests"]["errors"] == {FAILURES[mode]: 2})
        else:
            right.append(seen["requests"]["ok"] == 2 and seen["tokens"]["output"]["mean"] == 10)
    server.close()
    return Row(
        "10 bad servers, cut UTF-8 and events, odd ends",
        "exact counts, right class, no hang",
        f"{sum(right)} of {len(right)}",
        all(right),
    )


def long_prompts() -> Row:
    with served(Script(first_ms=50, gap_ms=10)) as program:
        run = measured(
            program, concurrency=32, requests=96, output_tokens=100, prompt_tokens=50_000, warmup_requests=32
        )
    ours = run.bench["ttft_ms"]["mean"]
    truth = statistics.fmean(one.ttft_ms for _, one in run.pairs())
    p99 = percentile(run.stamp_errors_ms(), 99)
    return Row(
        "11 50K-token prompts, 32 streams",
        "no stall: TTFT within 5 ms, stamps p99 <= 3 ms",
        f"TTFT {ours:.2f} of {truth:.2f} ms, stamps p99 {p99:.3f} ms",
        abs(ours - truth) <= 5 and p99 <= 3,
    )


def many_streams() -> Row:
    with served(Script(first_ms=300, gap_ms=20)) as program:
        run = measured(program, concurrency=256, requests=512, output_tokens=20, prompt_tokens=64)
    most = run.truth.most_serving
    return Row("12 256 streams, one process", "the server sees all", f"{most} at once", most == 256)


def stepped_wall_clock() -> Row:
    with served(Script()) as program:
        run = measured(
            program, rate=20, duration_s=4, output_tokens=20, environment={"LD_PRELOAD": str(stepped_clock())}
        )
    offs = [bias(run.bench[name]["mean"], run.truth.mean(name)) for name in ("ttft_ms", "tpot_ms")]
    received = run.received_s()
    off_s = run.bench["duration_s"] - received[-1]
    return Row(
        "13 wall clock stepped by -5 s",
        "results unchanged",
        f"TTFT {offs[0]:+.2%}, TPOT {offs[1]:+.2%}, duration {run.bench['duration_s']:.2f} s",
        max(map(abs, offs)) <= 0.02 and 0 <= off_s <= 0.5,
    )


def starved(edgectl: Edgectl) -> Row:
    """The command itself at the least priority, its one worker on a core that others keep busy.

    Each burner has a session of its own: the scheduler shares a core between sessions, whatever their nice values.
    """
    load = ["--rate", "100", "--duration", "5s", "--output-tokens", "20", "--processes", "1", "--cores", "1"]
    busy = ["taskset", "-c", "1", sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(busy, start_new_session=True) for _ in range(6)]
    try:
        with serving(Script(), ["taskset", "-c", "0"]) as program:
            words = ["bench", "run", "--url", program.url, *load, "-o", "json"]
            done = subprocess.run(
                ["nice", "-n", "19", sys.executable, "-m", "edgectl", *words],
                capture_output=True, text=True, check=False, cwd=ROOT, env=edgectl.variables(), timeout=200,
            )  # fmt: skip
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    validity = json.loads(done.stdout)["data"]["bench"]["validity"]
    return Row(
        "14 client starved (nice 19, burners on its core)",
        "client_bound, exit 6",
        f"exit {done.returncode}: {'; '.join(validity['reasons'])[:110]}",
        done.returncode == ExitCode.STOPPED and validity["client_bound"],
    )


def real_engine(url: str) -> list[Row]:
    load: dict[str, Any] = {
        "concurrency": 1,
        "requests": 40,
        "output_tokens": 128,
        "prompt_tokens": 256,
        "calibrate": True,
    }
    seen = run_client(
        url, before=on_core(1), model="lab", api_key=KEY, warmup_requests=5, processes=1, **load
    )["bench"]
    ours, theirs = seen["ttft_ms"]["mean"], seen["engine"]["ttft_ms"]["mean"]
    tpot, engine = seen["tpot_ms"]["mean"], seen["engine"]["tpot_ms"]["mean"]
    return [
        Row(
            "15 real engine, TTFT",
            "within 5 ms of its timings",
            f"{ours:.3f} beside {theirs:.3f} ms",
            abs(ours - theirs) <= 5,
        ),
        Row(
            "15 real engine, TPOT",
            "within 5 % of its timings",
            f"{tpot:.4f} beside {engine:.4f} ms, {bias(tpot, engine):+.2%}",
            abs(bias(tpot, engine)) <= 0.05,
        ),
    ]


def power_integral() -> list[Row]:
    """A load that rises, swings and falls, sampled ten times a second with some samples lost."""

    def watts(at_s: float) -> float:
        return 300 + 200 * math.sin(at_s / 3) + 5 * at_s

    def joules(until_s: float) -> float:
        return 300 * until_s + 600 * (1 - math.cos(until_s / 3)) + 2.5 * until_s**2

    chance = random.Random(1)  # noqa: S311 - reproducible on purpose
    moments = [place / 10 + chance.uniform(-0.03, 0.03) for place in range(-5, 606)]
    kept = [at_s for at_s in moments if chance.random() > 0.3 and not 20 < at_s < 22.5]
    samples = [(round(at_s * 1e9), watts(at_s)) for at_s in kept]
    found = integral_j(samples, 0, 60 * 10**9)
    off = math.inf if found is None else bias(found, joules(60))
    gapped = [sample for sample in samples if not 30 * 10**9 < sample[0] < 33.5 * 10**9]
    return [
        Row("18 power integral, 30 % of samples lost", "<= 1 %", f"{off:+.3%}", abs(off) <= 0.01),
        Row(
            "18 a gap of 3.5 s",
            "no figure",
            str(integral_j(gapped, 0, 60 * 10**9)),
            integral_j(gapped, 0, 60 * 10**9) is None,
        ),
    ]
