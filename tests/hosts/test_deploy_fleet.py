"""Six real Debian hosts behind HAProxy: a release goes to all of them and back, and a client outside loses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgectl.lab.model import write_model
from tests.hosts import debian_service
from tests.hosts.debian_service import ENGINE, LLAMA, Site

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
_HOSTS = debian_service.names(2, 3)
_TOKENS = 8


def _scripted(site: Site, seed: int, more: dict[str, Any]) -> None:
    says = " ".join(f"word{seed}{number}" for number in range(20))
    site.write_model(json.dumps({"says": says, "pace_s": 0.03}).encode(), ENGINE, **more)


def _llama(site: Site, seed: int, more: dict[str, Any]) -> None:
    path = site.folder / f"{seed}.gguf"
    write_model(path, seed)
    args = {"parallel": 8, "context": 256}
    site.write_model(
        path.read_bytes(), LLAMA, **debian_service.merged({"engine": {"args": args}, **more}, {})
    )


Write = Callable[[Site, int, dict[str, Any]], None]


@pytest.mark.parametrize(
    ("write", "rate", "swap"),
    [(_scripted, 60.0, "side-by-side"), (_scripted, 60.0, "replace"), (_llama, 55.0, "side-by-side")],
    ids=["side by side", "replace", "llama.cpp"],
)
def test_a_release_goes_to_six_hosts_and_back_and_no_request_is_failed_or_cut(
    tmp_path: Path, write: Write, rate: float, swap: str
) -> None:
    if reason := debian_service.missing():
        pytest.skip(reason)
    more = {
        "strategy": {"swap": swap},
        "rollout": {"canary": 1, "max_out": 1},
        "gates": {"smoke": {"tokens": _TOKENS}},
    }
    tree = debian_service.llama_tree(tmp_path / "tree") if write is _llama else None
    with debian_service.debian_service(tmp_path, _HOSTS, tree) as site:
        write(site, 1, more)
        first = site.apply()
        assert first.code == 0, first
        with site.under_load(rate, _TOKENS) as seen:
            write(site, 2, more)
            there = site.apply()
            back = site.rollback()
        for ended in (there, back):
            assert (ended.code, ended.report()["summary"]["changed"]) == (0, len(_HOSTS)), ended
        assert (seen.get("failed", 0), seen.get("cut", 0)) == (0, 0), seen
        assert seen["rate"] >= 50, seen
        assert len(seen["said"]) == 2, "both releases were seen"
