"""What `deploy fit|plan|status|history|diff` say of a small fleet with a past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from edgectl.catalog.hardware import load_catalog
from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import HealthKept, HealthState, Phase
from edgectl.engine.lifecycle import Passage, Stage
from edgectl.engine.outcome import RunOutcome
from edgectl.engine.records import Manifest
from edgectl.engine.service_records import Claim, EngineStart, ReleaseRecord, ServiceChange, Turn
from edgectl.errors import ExitCode, InputError
from edgectl.inventory.loader import load
from edgectl.ops.deploy.apply import plan_lines
from edgectl.ops.deploy.deployment import load_deployment
from edgectl.ops.deploy.fit import GIB
from edgectl.ops.deploy.fit_told import fit_report
from edgectl.ops.deploy.history import diff, history
from edgectl.ops.deploy.lock import Lock, as_data, on_hosts
from edgectl.ops.deploy.planning import plan_placement, plan_report
from edgectl.ops.deploy.release import engine_digest, model_digest
from edgectl.ops.deploy.spec import load_spec
from edgectl.ops.deploy.status import status
from edgectl.ops.deploy.survey import claim_of, survey
from edgectl.ops.services import Services
from edgectl.playbook.compile import Options
from edgectl.report import Line, Report, Table
from edgectl.store.database import open_database
from edgectl.store.health import SqlHealthHistory
from edgectl.store.history import History
from edgectl.store.holds import SqlHolds
from edgectl.store.lifecycles import SqlLifecycles
from edgectl.store.services import SqlServiceHistory
from tests.fakes.clock import START
from tests.unit.catalog.models import QWEN3_CODER
from tests.unit.ops.deploy.sites import services_with
from tests.unit.ops.deploy.specs import written

FLEET = """\
racks:
  rtx: {nodes: 3, hardware: rtx-pro-6000-server-8, dpus: 1}
  l4: {nodes: 2, hardware: l4-4}
pops:
  fra1: {metro: FRA, region: eu, country: DE, racks: {r1: {template: rtx, addresses: 10.1.0.0/24}}}
  par1: {metro: PAR, region: eu, country: FR, racks: {r1: {template: rtx, addresses: 10.2.0.0/24}}}
  gru1: {metro: GRU, region: sa, country: BR, racks: {r1: {template: l4, addresses: 10.3.0.0/24}}}
"""
SPEC = """\
name: chat
model:
  name: qwen3-coder
  files: [{{source: https://x.example.net/w.safetensors, sha256: "{a}", size: 32212254720}}]
engine: {{kind: vllm, command: /opt/vllm}}
gpus: {{count: 2}}
serve: {{max_model_len: 262144, target: {{concurrency: 32, mean_in: 1500, mean_out: 300}}}}
place: {{pattern: role=gpu, replicas: 2, per: metro}}
"""


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET, encoding="utf-8")
    engine = open_database(f"sqlite:///{tmp_path}/state.db")
    fleet = load(path, hardware=load_catalog().names)
    yield replace(
        services_with(fleet),
        lifecycles=SqlLifecycles(engine),
        health=SqlHealthHistory(engine),
        holds=SqlHolds(engine),
        deployed=SqlServiceHistory(engine),
    )
    engine.dispose()


def a_lock(folder: Path, text: str = SPEC) -> Lock:
    return Lock(load_spec(written(folder, text)), QWEN3_CODER)


def said(report: Report) -> str:
    rows = [" ".join(row) for part in report.body if isinstance(part, Table) for row in part.rows]
    return "\n".join([*(part.text for part in report.body if isinstance(part, Line)), *rows])


def plan(services: Services, lock: Lock, explain: str | None = None) -> Report:
    return plan_report(plan_placement(services, lock, load_catalog()), START, explain)


def change(host: str, release: str, turn: Turn = Turn.LIVE, **more: Any) -> ServiceChange:
    return ServiceChange(more.pop("service", "chat"), host, release, turn, START, "ci", **more)


def test_a_fit_is_told_for_each_kind_of_gpu(services: Services, tmp_path: Path) -> None:
    report = fit_report(survey(services, a_lock(tmp_path), load_catalog()), START)
    text = said(report)

    assert report.exit_code is ExitCode.DONE
    assert "qwen3-coder on vllm, 2 GPUs, 262,144 tokens, 32 requests of 1,800" in text
    assert (
        "rtx-pro-6000-server   fits, 54.6 GiB to spare   6 hosts  fra1-r1-n[01-03],par1-r1-n[01-03]" in text
    )
    assert "86.0 of 95.6 GiB: weights 15.0, cache 12.0, beside 4.5 (assumed; no start on record)" in text
    assert "l4   lacks 11.2 GiB on each GPU; 16,704 tokens would fit   2 hosts  gru1-r1-n[01-02]" in text


def test_a_service_that_fits_nowhere_is_stopped(services: Services, tmp_path: Path) -> None:
    found = survey(services, on_hosts(a_lock(tmp_path), "gru1"), load_catalog())
    assert fit_report(found, START).exit_code is ExitCode.STOPPED


def test_what_engines_took_before_is_what_they_are_expected_to_take(
    services: Services, tmp_path: Path
) -> None:
    lock = a_lock(tmp_path)
    names = (model_digest(lock.spec), engine_digest(lock.spec), "rtx-pro-6000-server", "fra1-r1-n01")
    services.deployed.keep_starts([EngineStart(*names, START, activation_bytes=7 * GIB)])
    assert "beside 7.0 (the most of 1 start)" in said(
        fit_report(survey(services, lock, load_catalog()), START)
    )


def test_a_plan_says_of_every_host_why(services: Services, tmp_path: Path) -> None:
    services.lifecycles.record([Passage("par1-r1-n02", Stage.REPAIR, START, "ci")])
    services.deployed.keep_release(ReleaseRecord("r-e", "embed", START, "ci", claim=Claim(7)))
    services.deployed.record(
        [
            change("fra1-r1-n02", "r-old"),
            change("par1-r1-n02", "r-old"),
            change("fra1-r1-n03", "r-e", service="embed"),
        ]
    )
    lost = HealthState("x", "gpu-lost", "par1-r1-n01", "x", Severity.CRITICAL, Phase.ACTIVE, START, START, 1)
    services.health.keep(HealthKept(states=[lost]))
    lock = a_lock(tmp_path)
    report = plan(services, lock)
    text = said(report)

    assert report.exit_code is ExitCode.STOPPED
    assert "weights 32.2 GB, 2 copies over the WAN: 64.4 GB" in text
    assert f"stay         1  fra1-r1-n02   r-old → {lock.release}" in text
    assert "add          2  fra1-r1-n01,par1-r1-n03   spreads it over metro and pop" in text
    assert "surplus      1  par1-r1-n02   is repair, not accepted" in text
    assert "not          1  fra1-r1-n03   has 1 of 2 GPUs free" in text
    assert "not          1  par1-r1-n01   has a critical finding: gpu-lost" in text
    assert "short        3  replicas in 2 metros: GRU,PAR" in text
    statuses = {host.host: host.status for host in report.hosts}
    assert statuses["fra1-r1-n02"] == "changed"
    assert statuses["par1-r1-n02"] == "skipped"
    assert statuses["gru1-r1-n01"] == "skipped"


def test_hosts_of_other_countries_are_one_line_whichever_those_are(
    services: Services, tmp_path: Path
) -> None:
    lock = a_lock(
        tmp_path, SPEC.replace("per: metro", "per: metro, countries: [DE]").replace("role=gpu", "all")
    )
    text = said(plan(services, lock))

    assert "not          5  gru1-r1-n[01-02],par1-r1-n[01-03]   is in FR, BR, and data stays in DE" in text
    assert text.count("data stays") == 1
    explained = said(plan(services, lock, "gru1-r1-n01"))
    assert "against is in BR, and data stays in DE" in explained


def test_a_host_that_somebody_drained_is_left_as_it_is_and_comes_back_with_undrain(
    services: Services, tmp_path: Path
) -> None:
    turns = [change("fra1-r1-n01", "r-old"), change("fra1-r1-n01", "r-old", Turn.DRAINED)]
    services.deployed.record(turns)
    services.lifecycles.record([Passage("fra1-r1-n01", Stage.DRAINING, START, "ci")])
    path = written(tmp_path, SPEC)
    out = "out          1  fra1-r1-n01   is drained, and stays so until deploy undrain brings it back"
    drained = load_deployment(services, path, None)

    assert out in said(plan(services, a_lock(tmp_path)))
    assert "fra1-r1-n01" not in {host.name for host in drained.hosts}
    lines = plan_lines(drained, RunOutcome("R1", (), 0.0))
    assert any("fra1-r1-n01   left as it is: is drained" in line.text for line in lines)
    services.deployed.record([change("fra1-r1-n01", "r-old", Turn.UNDRAINED)])
    services.lifecycles.record([Passage("fra1-r1-n01", Stage.IN_SERVICE, START, "ci")])
    assert "fra1-r1-n01" in {host.name for host in load_deployment(services, path, None).hosts}


def test_one_host_is_told_in_full(services: Services, tmp_path: Path) -> None:
    services.lifecycles.record([Passage("gru1-r1-n01", Stage.REPAIR, START, "ci")])
    text = said(plan(services, a_lock(tmp_path), "gru1-r1-n01"))

    assert "gru1-r1-n01   not: is repair, not accepted" in text
    assert "place   gru1 · GRU · sa · BR · stage repair" in text
    assert "against lacks 11.2 GiB" in text
    with pytest.raises(InputError, match="'fra1-r1-n09' is not of 'role=gpu'"):
        plan(services, a_lock(tmp_path), "fra1-r1-n09")


def test_two_services_of_a_host_never_get_the_same_gpus(services: Services, tmp_path: Path) -> None:
    services.deployed.keep_release(ReleaseRecord("r-e", "embed", START, "ci", claim=Claim(2)))
    services.deployed.keep_release(ReleaseRecord("r-s", "speech", START, "ci", claim=Claim(1)))
    services.deployed.record(
        [
            change("fra1-r1-n01", "r-e", service="embed", gpus=("0", "2")),
            change("fra1-r1-n01", "r-s", service="speech", gpus=("5",)),
            # It was put there before anybody kept which GPUs: it has the first ones.
            change("fra1-r1-n02", "r-e", service="embed"),
            change("fra1-r1-n03", "r-old", gpus=("6", "7")),
        ]
    )
    path = written(tmp_path, SPEC.replace("replicas: 2", "replicas: 3"))
    found = load_deployment(services, path, None).request(Options()).host_vars

    assert found["fra1-r1-n01"]["gpus"] == ["1", "3"]
    assert found["fra1-r1-n02"]["gpus"] == ["2", "3"]
    assert found["fra1-r1-n03"]["gpus"] == ["6", "7"]
    assert 'Environment="CUDA_VISIBLE_DEVICES=1,3"' in found["fra1-r1-n01"]["unit"]
    assert "it gets 1, 3" in said(plan(services, a_lock(tmp_path), "fra1-r1-n01"))


def test_a_host_that_left_the_pattern_is_surplus_and_the_plan_says_what_drains_it(
    services: Services, tmp_path: Path
) -> None:
    services.deployed.record([change("fra1-r1-n02", "r-old")])
    text = said(plan(services, a_lock(tmp_path, SPEC.replace("role=gpu", "par1"))))
    assert "surplus      1  fra1-r1-n02   is not of the specification's pattern" in text
    assert "deploy apply leaves fra1-r1-n02 as found" in text
    assert "edgectl deploy drain chat fra1-r1-n02" in text


def test_status_tells_what_runs_and_what_is_to_be_done_by_pop(services: Services, tmp_path: Path) -> None:
    lock = a_lock(tmp_path)
    services.deployed.record(
        [
            change("fra1-r1-n01", lock.release),
            change("fra1-r1-n02", "r-old", Turn.FAILED, tried=lock.release, reason="smoke: other tokens"),
            change("par1-r1-n01", "", Turn.QUARANTINED),
            change("par1-r1-n02", "r-9", service="gone"),
        ]
    )
    report = status(services, {"chat": tmp_path / "chat.yaml"}, load_catalog(), None)
    text = said(report)

    assert f"chat   {lock.release} is wanted, 1 of 6 hosts serve it" in text
    assert "r-old             1  fra1-r1-n02   failed: smoke: other tokens, 2026-11-23 09:00 UTC" in text
    assert "1 to update in 1 PoP: fra1" in text
    assert "4 to add in 2 PoPs: gru1,par1" in text
    assert "gone   no specification of the inventory says so any more" in text
    chat = report.data["services"]["chat"]
    assert chat["drift"] == {"fra1": {"update": 1}, "gru1": {"add": 2}, "par1": {"add": 2}}
    assert chat["out"] == ["par1-r1-n01"]


def test_status_of_a_service_without_a_lock_says_so(services: Services, tmp_path: Path) -> None:
    path = written(tmp_path, SPEC.replace(', sha256: "{a}", size: 32212254720', ""))
    text = said(status(services, {"chat": path}, load_catalog(), "chat"))
    assert "may be another file tomorrow; a 'sha256' is wanted" in text


def test_history_tells_who_did_what_the_latest_first(services: Services) -> None:
    later = replace(
        change("fra1-r1-n01", "r-1", Turn.ROLLED_BACK, tried="r-2", run="01R", reason="halt"),
        at=START + timedelta(hours=1),
    )
    services.deployed.record([change("fra1-r1-n01", "r-1"), change("fra1-r1-n02", "r-1"), later])
    rows = next(part.rows for part in history(services, "chat", None, 9).body if isinstance(part, Table))

    assert [row[1:] for row in rows] == [
        ["rolled-back", "r-2 → r-1", "1", "fra1-r1-n01", "ci", "01R", "halt"],
        ["live", "r-1", "2", "fra1-r1-n[01-02]", "ci", "", ""],
    ]
    assert len(history(services, "chat", "fra1-r1-n02", 9).data["changes"]) == 1
    with pytest.raises(InputError, match="did you mean 'chat'"):
        history(services, "chatt", None, 9)


def test_a_diff_names_each_part_that_differs(services: Services, tmp_path: Path) -> None:
    first = a_lock(tmp_path)
    second = a_lock(tmp_path, SPEC.replace("262144", "65536").replace("count: 2", "count: 1"))
    services.deployed.keep_release(ReleaseRecord(first.release, "chat", START, "ci", as_data(first)))
    services.deployed.record([change("fra1-r1-n01", first.release)])
    text = said(diff(services, "chat", None, None, as_data(second)))

    assert f"{first.release} → {second.release}" in text
    assert "serve.max_model_len: 262144 → 65536" in text
    assert "gpus" in text
    assert "nothing differs" in said(diff(services, "chat", first.release, first.release, None))
    with pytest.raises(InputError, match="no release 'r-7' of 'chat' is on record"):
        diff(services, "chat", "r-7", None, None)


def test_what_a_replica_takes_is_put_on_record(services: Services, tmp_path: Path) -> None:
    found = survey(services, a_lock(tmp_path), load_catalog())
    assert claim_of(found.need) == Claim(2, 0.9, "", 32_212_254_720)


def test_a_limit_names_hosts_of_the_plan_and_plans_nothing_anew(services: Services, tmp_path: Path) -> None:
    path = written(tmp_path, SPEC.replace("replicas: 2", "replicas: 1"))
    services.deployed.record([change("fra1-r1-n02", "r-old")])
    found = load_deployment(services, path, "fra1")

    assert [host.name for host in found.hosts] == ["fra1-r1-n02"]
    assert found.passed_over == dict.fromkeys(
        ["fra1-r1-n01", "fra1-r1-n03"], "may serve it, and is not needed"
    )
    with pytest.raises(InputError, match="serve chat: 1 of 1: may serve it, and is not needed"):
        load_deployment(services, path, "fra1-r1-n03")
    with pytest.raises(InputError, match="3 of 3: is not of 'role=gpu'"):
        load_deployment(services, path, "fra1:&role=dpu")


class _Begun(History):
    """A history with one run, which was begun with these hosts."""

    def manifest(self, run: str) -> Manifest | None:
        return Manifest({"par1-r1-n01": [], "fra1-r1-n01": []}) if run == "01RUN" else None


def test_a_run_that_is_continued_goes_to_the_hosts_it_was_begun_with(
    services: Services, tmp_path: Path
) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/state.db")
    begun = replace(services, history=_Begun(engine), resuming="01RUN")
    path = written(tmp_path, SPEC)
    services.lifecycles.record([Passage("par1-r1-n01", Stage.REPAIR, START, "ci")])
    new = {host.name for host in load_deployment(services, path, None).hosts}
    continued = {host.name for host in load_deployment(begun, path, None).hosts}
    engine.dispose()

    assert "par1-r1-n01" not in new
    assert continued == {"par1-r1-n01", "fra1-r1-n01"}
