"""The verbs of `deploy` that change no host, as commands: lock, fit, plan, status, history, diff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_run import Edgectl, Ended
from tests.fakes.origins import an_origin
from tests.unit.catalog.models import QWEN3_CODER_CONFIG

_FLEET = """\
racks: {rtx: {nodes: 3, hardware: rtx-pro-6000-server-8}}
pops:
  fra1: {metro: FRA, country: DE, racks: {r1: {template: rtx, addresses: 10.1.0.0/24}}}
  par1: {metro: PAR, country: FR, racks: {r1: {template: rtx, addresses: 10.2.0.0/24}}}
"""
_SPEC = """\
name: chat
model: {name: qwen3, source: "hf://Qwen/Coder@main"}
engine: {kind: vllm, command: /opt/vllm}
serve: {max_model_len: 32768}
place: {pattern: all, replicas: 2, countries: [DE, FR]}
"""
_COMMIT = "3" * 40


@pytest.fixture
def site(tmp_path: Path) -> Edgectl:
    services = tmp_path / "inventory" / "services"
    services.mkdir(parents=True)
    (tmp_path / "inventory" / "fleet.yaml").write_text(_FLEET)
    (services / "chat.yaml").write_text(_SPEC)
    return Edgectl(tmp_path, tmp_path / "inventory", {"EDGECTL_STATE": f"sqlite:///{tmp_path}/state.db"})


def test_a_service_is_locked_fitted_placed_and_told_without_a_host(site: Edgectl) -> None:
    refused = site("deploy", "plan", "chat")
    assert refused.code == 3
    assert "chat.yaml:2:22   hf://Qwen/Coder@main may be other files tomorrow" in refused.err
    assert "edgectl deploy lock chat" in refused.err

    locked = _locked(site)
    assert locked.code == 0, locked.err
    assert "looked up  hf://Qwen/Coder@main" in locked.out
    lock = site.inventory / "services" / "chat.lock.yaml"
    assert f"revision: '{_COMMIT}'" in lock.read_text()
    assert site("deploy", "lock", "chat", "--check").code == 0

    fit = site("deploy", "fit", "chat", "fra1")
    assert fit.code == 0, fit.err
    assert "rtx-pro-6000-server   fits" in fit.out
    plan = site("deploy", "plan", "chat", "-o", "json").report()
    assert plan["exit_code"] == 0
    assert plan["summary"]["changed"] == 2
    added = [host["host"] for host in plan["hosts"] if host["status"] == "changed"]
    assert sorted(name[:4] for name in added) == ["fra1", "par1"]
    assert "add: spreads it over metro and pop" in site("deploy", "plan", "chat", "--explain", added[0]).out
    status = site("deploy", "status")
    assert status.code == 0
    assert "2 to add in 2 PoPs: fra1,par1" in status.out
    assert site("deploy", "history", "chat").code == 3
    assert "no host serves 'chat' by the record" in site("deploy", "diff", "chat").err

    spec = site.inventory / "services" / "chat.yaml"
    spec.write_text(_SPEC.replace("32768", "16384"))
    stale = site("deploy", "plan", "chat")
    assert stale.code == 3
    assert "serve.max_model_len: 32768 → 16384 (lock → spec)" in stale.err


def test_a_release_that_fits_on_no_gpu_is_said_by_how_much_and_no_host_is_contacted(site: Edgectl) -> None:
    fleet, spec = site.inventory / "fleet.yaml", site.inventory / "services" / "chat.yaml"
    fleet.write_text(_FLEET.replace("rtx-pro-6000-server-8", "l4-8"))
    spec.write_text(_SPEC.replace("32768", "262144"))
    assert _locked(site).code == 0

    refused = site("deploy", "apply", "chat", "-y")

    assert refused.code == 6
    assert "no host may serve" in refused.err
    assert "6 of 6: lacks" in refused.err
    assert "GiB" in refused.err
    assert site("runs", "list").out.count("deploy") == 0


def _locked(site: Edgectl) -> Ended:
    with an_origin() as hub:
        hub.revisions = {"Qwen/Coder@main": _COMMIT}
        config = json.dumps(QWEN3_CODER_CONFIG).encode()
        hub.commits = {_COMMIT: {"config.json": config, "a.safetensors": b"w"}}
        return site("deploy", "lock", "chat", more={"HF_ENDPOINT": hub.url})


def test_an_unsafe_service_is_refused_at_its_place_before_anything_is_read(site: Edgectl) -> None:
    spec = site.inventory / "services" / "chat.yaml"
    spec.write_text(_SPEC.replace("command: /opt/vllm", "command: /opt/vllm, args: {host: 0.0.0.0}"))
    for verb in ("lock", "fit", "plan", "apply"):
        ended = site("deploy", verb, "chat")
        assert ended.code == 3
        assert "chat.yaml:3:49   '0.0.0.0' listens on every interface" in ended.err
