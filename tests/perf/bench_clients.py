"""Load generators as their users run them, on one core: edgectl, and two from the registry.

Versions are those that were compared; flags are in `command` of each. Every client has one core to itself, the
other's, by the same words, and one run of each asks for so many requests of 32 tokens at a constant rate.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.perf.bench_table import real_time
from tests.remote.bench_server import ROOT

TOKENS = 32
PROMPT_TOKENS = 64
PEERS = Path(os.environ.get("EDGECTL_BENCH_PEERS", "/tmp/bench-peers"))
# Others work on this machine. A whole session's weight keeps most of them away (sched(7), autogroup; a nice value
# counts only within a session), real-time priority all of them; but two busy processes of one client then wait for
# each other for 100 ms. So every client is tried both ways, and has the better of them. What may not be, is left out.
_FIRST = 'echo -20 > /proc/self/autogroup 2>/dev/null; exec "$@"'
WAYS: Mapping[str, Sequence[str]] = {
    "real-time": (*real_time(), "taskset", "-c", "1"),
    "weighted": ("setsid", "-w", "sh", "-c", _FIRST, "sh", "taskset", "-c", "1"),
}


@dataclass(frozen=True)
class Reported:
    """What a client said, in ms; `itl` is the mean of each request's, `gap_p99` that of all gaps where it has one."""

    ttft_mean: float
    ttft_p99: float
    itl_mean: float
    itl_p99: float
    gap_p99: float | None = None


class Client(Protocol):
    """A load generator."""

    name: str

    def is_there(self) -> bool:
        """Tell whether it is installed."""

    def version(self) -> str:
        """Return its version."""

    def command(self, url: str, per_s: int, count: int, folder: Path) -> Sequence[str]:
        """Return the words that measure, and leave the result in a folder."""

    def read(self, folder: Path) -> Reported:
        """Return what it reported."""


class Edgectl:
    """Ours."""

    name = "edgectl"

    def is_there(self) -> bool:
        return True

    def version(self) -> str:
        return _said([sys.executable, "-m", "edgectl", "--version"])

    def command(self, url: str, per_s: int, count: int, folder: Path) -> Sequence[str]:
        load = ["--rate", str(per_s), "--arrivals", "constant", "--requests", str(count), "--processes", "1"]
        lengths = ["--prompt-tokens", str(PROMPT_TOKENS), "--output-tokens", str(TOKENS), "--warmup", "0"]
        to = ["-o", "json", "--output-file", str(folder / "edgectl.json")]
        return [sys.executable, "-m", "edgectl", "bench", "run", "--url", url, *load, *lengths, *to]

    def read(self, folder: Path) -> Reported:
        bench = json.loads((folder / "edgectl.json").read_text())["data"]["bench"]
        # What the peers call ITL is one figure per request, which is TPOT's definition.
        ttft, itl = bench["ttft_ms"], bench["tpot_ms"]
        return Reported(ttft["mean"], ttft["p99"], itl["mean"], itl["p99"], bench["icl_ms"]["p99"])


class GuideLlm:
    """guidellm 0.8.1, which wants a tokenizer to make prompts."""

    name = "guidellm"
    _program = PEERS / "guidellm/bin/guidellm"

    def is_there(self) -> bool:
        return self._program.exists()

    def version(self) -> str:
        return _said([str(self._program), "--version"])

    def command(self, url: str, per_s: int, count: int, folder: Path) -> Sequence[str]:
        return [
            *(str(self._program), "run", "--backend", f"kind=openai_http,target={url},model=truth"),
            *("--profile", f"kind=constant,rate={per_s}", "--constraint", f"kind=max_requests,count={count}"),
            *("--data", f"kind=synthetic_text,prompt_tokens={PROMPT_TOKENS},output_tokens={TOKENS}"),
            *("--tokenizer", f"kind=huggingface_auto,model={tokenizer()}"),
            *("--output", f"kind=json,path={folder / 'guidellm.json'}", "--disable-progress"),
        ]

    def read(self, folder: Path) -> Reported:
        metrics = json.loads((folder / "guidellm.json").read_text())["benchmarks"][0]["metrics"]
        ttft = metrics["time_to_first_token_ms"]["successful"]
        itl = metrics["inter_token_latency_ms"]["successful"]
        return Reported(ttft["mean"], ttft["percentiles"]["p99"], itl["mean"], itl["percentiles"]["p99"])


class AiPerf:
    """aiperf 0.13.0."""

    name = "aiperf"
    _program = PEERS / "aiperf/bin/aiperf"

    def is_there(self) -> bool:
        return self._program.exists()

    def version(self) -> str:
        return _said([str(self._program), "--version"])

    def command(self, url: str, per_s: int, count: int, folder: Path) -> Sequence[str]:
        return [
            *(str(self._program), "profile", "--model", "truth", "--url", url, "--endpoint-type", "chat"),
            *(
                "--streaming",
                "--tokenizer",
                str(tokenizer()),
                "--isl",
                str(PROMPT_TOKENS),
                "--osl",
                str(TOKENS),
            ),
            *("--use-legacy-max-tokens", "--request-rate", str(per_s), "--arrival-pattern", "constant"),
            *("--request-count", str(count), "--workers-max", "1", "--record-processors", "1"),
            *("--ui", "none", "--no-gpu-telemetry", "--no-server-metrics"),
            *("--output-artifact-dir", str(folder / "aiperf")),
        ]

    def read(self, folder: Path) -> Reported:
        found = json.loads((folder / "aiperf/profile_export_aiperf.json").read_text())
        ttft, itl = found["time_to_first_token"], found["inter_token_latency"]
        gaps = found["inter_chunk_latency"]
        return Reported(ttft["avg"], ttft["p99"], itl["avg"], itl["p99"], gaps["p99"])


CLIENTS: tuple[Client, ...] = (Edgectl(), GuideLlm(), AiPerf())


def run(client: Client, way: str, load: tuple[str, int, int], folder: Path) -> Reported | None:
    """Measure once, a load of a URL, a rate and a number of requests; None where the client failed or hung."""
    url, per_s, count = load
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    words = [*WAYS[way], *client.command(url, per_s, count, folder)]
    environment: Mapping[str, str] = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT) if isinstance(client, Edgectl) else "",
        "EDGECTL_STATE": f"sqlite:///{folder / 's.db'}",
    }
    try:
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False,
            timeout=300 + count / per_s,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    try:
        return client.read(folder)
    except (OSError, LookupError, ValueError, TypeError):
        print(f"{client.name} at {per_s}/s gave nothing: {done.stderr[-300:]}")
        return None


def tokenizer() -> Path:
    """Return the folder of a tokenizer of whole words, made by the peers' own library: no hub is reached."""
    folder = PEERS / "tokenizer"
    if not folder.exists():
        subprocess.run(
            [PEERS / "guidellm/bin/python", "-c", _TOKENIZER, folder], check=True, capture_output=True
        )
    return folder


_TOKENIZER = """
import sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
words = "the of and to in is was for on as with by he at from his it an were are which this be had or not".split()
names = ["<unk>", "<s>", "</s>", *("\\u2581" + word for word in words)]
made = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, unk_token="<unk>"))
made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
PreTrainedTokenizerFast(
    tokenizer_object=made, unk_token="<unk>", bos_token="<s>", eos_token="</s>").save_pretrained(sys.argv[1])
"""


def _said(words: Sequence[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    return (done.stdout or done.stderr).strip().splitlines()[-1]
