"""What is done to a service beside deploying it, on real hosts: drained, pruned, halted, quarantined, looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hosts import debian_service
from tests.hosts.debian_service import Site
from tests.hosts.test_deploy_swap import NEW, OLD, REPLACING, serve, unharmed

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
_HOME = "/var/lib/edgectl/releases/chat"
_LINK = f"readlink {_HOME}/current"
_PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
N01, N02, N03 = debian_service.names(1, 3)


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := debian_service.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("acting")
    with debian_service.debian_service(folder, debian_service.names(1, 3)) as site:
        yield site


@pytest.fixture
def site(booted: Site) -> Site:
    serve(booted, OLD)
    assert booted.apply().code == 0
    return booted


def test_a_drained_host_lets_its_neighbours_serve_and_comes_back(site: Site) -> None:
    with site.under_load(30) as seen:
        drained = site.edgectl("deploy", "drain", "chat", N01, "-y", "-o", "json")
        idle = site.machines[N01].run(
            "ss -Htn state established '( dport = :18000 or dport = :18001 )' | wc -l"
        )
        live = [_live(site, name) for name in (N01, N02)]
        back = site.edgectl("deploy", "undrain", "chat", N01, "-y", "-o", "json")
    assert (drained.code, back.code) == (0, 0), (drained, back)
    assert drained.host(N01)["data"]["drained"]["cut"] == 0
    assert idle.strip() == "0"
    assert unharmed(seen)
    # What reboots or measures a node asks this, and goes on where it is drained.
    assert live == [[], ["chat"]]


def test_a_drained_host_stays_so_through_deployments_rollbacks_and_the_loss_of_the_store(site: Site) -> None:
    machine = site.machines[N01]
    assert site.edgectl("deploy", "drain", "chat", N01, "-y").code == 0
    before = machine.run(_LINK)
    serve(site, NEW)
    known = site.apply()
    assert (known.code, N01 in {host["host"] for host in known.report()["hosts"]}) == (0, False), known
    lost = {"EDGECTL_STATE": f"sqlite:///{site.folder}/lost.db"}
    blind = site.edgectl("deploy", "apply", "chat", "-y", "-o", "json", more=lost)
    assert blind.code == 0, blind
    assert "n01   is drained, and stays so" in blind.err
    assert site.rollback().code == 0
    assert (machine.run(_LINK), _live(site, N01), _live(site, N02)) == (before, [], ["chat"])
    lost = {"EDGECTL_STATE": f"sqlite:///{site.folder}/lost-too.db"}
    site.edgectl("deploy", "reconcile", "all", more=lost)
    serve(site, NEW)
    third = site.edgectl("deploy", "apply", "chat", "-y", "-o", "json", more=lost)
    assert N01 not in {host["host"] for host in third.report()["hosts"]}
    assert site.edgectl("deploy", "undrain", "chat", N01, "-y").code == 0
    assert _live(site, N01) == ["chat"]
    assert site.apply().host(N01)["status"] == "changed"


def _live(site: Site, host: str) -> list[str]:
    play = site.edgectl.home / "live.yaml"
    play.write_text("- hosts: all\n  gather_facts: false\n  tasks: [{live_services: {}}]\n")
    (task,) = site.edgectl("run", play, host, "-o", "json").host(host)["tasks"]
    services: list[str] = task["result"]["services"]
    return services


def test_a_remedy_drains_through_the_front_and_gives_back_what_proved_itself(site: Site) -> None:
    ill = {"gpus": [], "boot_before": "", "expected_gpus": 0}
    machine = site.machines[N01]
    slot = machine.run("ls /etc/systemd/system | grep -o 'edgectl-chat-[ab].service'").strip()
    with site.under_load(30) as seen:
        for rung in ("reset-gpu", "restart-service"):
            words = ["-e", json.dumps({**ill, "rung": rung}), "-o", "json"]
            remedied = site.edgectl("run", _PLAYBOOKS / "remediate.yaml", N01, *words)
            stopped = machine.try_run(f"systemctl is-active {slot}").stdout.strip()
            live = _live(site, N01)
            returned = site.edgectl("run", _PLAYBOOKS / "return.yaml", N01, "-o", "json")
            assert (remedied.code, returned.code) == (0, 0), (remedied, returned)
            assert (stopped, live) == ("inactive" if rung == "reset-gpu" else "active", [])
            assert _live(site, N01) == ["chat"]
            assert machine.run(f"systemctl is-active {slot} edgectl-chat-front").split() == ["active"] * 2
            assert machine.run(f"systemctl is-enabled {slot}").strip() == "enabled"
    assert unharmed(seen)


def test_two_services_of_a_host_have_gpus_of_their_own(site: Site) -> None:
    services, gpus = site.edgectl.inventory / "services", "grep -ho 'CUDA_VISIBLE_DEVICES=[0-9,]*' {}"
    serve(site, OLD, {"name": "embed", "serve": {"port": 8200}, "gpus": {"count": 2}})
    (services / "chat.yaml").rename(services / "embed.yaml")
    serve(site, OLD)
    apply = ("deploy", "apply", "embed", "-y", "-o", "json")
    # Who does not know of the other service is told by the host, and nothing is begun.
    unknowing = site.edgectl(*apply, more={"EDGECTL_STATE": f"sqlite:///{site.folder}/unknowing.db"})
    assert unknowing.code == 6, unknowing
    assert "the service chat has GPU 0 here" in unknowing.host(N01)["reason"]
    knowing = site.edgectl(*apply)
    assert knowing.code == 0, knowing
    unit = "/etc/systemd/system/edgectl-{}-[ab].service"
    assert set(site.on_all(gpus.format(unit.format("chat")))) == {"CUDA_VISIBLE_DEVICES=0"}
    assert set(site.on_all(gpus.format(unit.format("embed")))) == {"CUDA_VISIBLE_DEVICES=1,2"}
    site.on_all("systemctl disable --now 'edgectl-embed-*'; rm -rf /etc/systemd/system/edgectl-embed-*"
                " /etc/edgectl/embed* /var/lib/edgectl/releases/embed; systemctl daemon-reload; true")  # fmt: skip
    (services / "embed.yaml").unlink()


def test_health_looks_at_the_units_that_a_service_behind_a_front_has(site: Site) -> None:
    # What else is wrong with the machine that the tests run on must not keep the host out of what follows.
    apart = {"EDGECTL_STATE": f"sqlite:///{site.folder}/health.db"}
    looked = site.edgectl("health", N01, "-o", "json", more=apart).host(N01)["data"]

    assert "serving-unit" not in {finding["id"] for finding in looked["findings"]}


def test_a_halt_rolls_back_whom_the_specification_says(site: Site) -> None:
    before = site.on_all(_LINK)
    serve(site, NEW, _halting("rollback-all", "67%"))
    with _ports_taken(site, N02):
        ended = site.apply()
    assert ended.code == 6, ended
    assert ended.report()["data"]["rolled_back"]["hosts"] == [N01]
    assert site.on_all(_LINK) == before


@pytest.mark.parametrize(
    ("on_halt", "back"), [("hold", []), ("rollback-wave", [N02]), ("rollback-all", [N01, N02])]
)
def test_a_failure_in_the_last_wave_is_halted_as_in_any_other(
    site: Site, on_halt: str, back: list[str]
) -> None:
    before = dict(zip(site.machines, site.on_all(_LINK), strict=True))
    serve(site, NEW, _halting(on_halt, "34%"))
    with site.under_load(30) as seen, _ports_taken(site, N03):
        ended = site.apply()
    after = dict(zip(site.machines, site.on_all(_LINK), strict=True))

    assert ended.code == 6, ended
    assert ended.host(N03)["status"] == "failed"
    assert ended.report()["data"].get("rolled_back", {}).get("hosts", []) == back
    assert {host for host in (N01, N02) if after[host] == before[host]} == set(back)
    assert after[N03] == before[N03]
    assert unharmed(seen)


def _halting(on_halt: str, first: str) -> dict[str, Any]:
    return {
        "strategy": {"on_halt": on_halt},
        "rollout": {"canary": 1, "waves": [first, "100%"], "max_failed": 0},
        "gates": {"ready": "5s"},
    }


@contextmanager
def _ports_taken(site: Site, host: str) -> Iterator[None]:
    """Let somebody else have the ports of both slots, so that no release starts beside the one that runs."""
    stranger = "systemd-run -q --unit stranger-{0} python3 -m http.server --bind 127.0.0.1 {0};"
    site.machines[host].run("".join(stranger.format(port) for port in (18000, 18001)) + "sleep 1")
    try:
        yield
    finally:
        site.machines[host].run("systemctl stop 'stranger-*'; systemctl reset-failed; true")


def test_a_host_that_can_go_neither_on_nor_back_is_drained_and_left_to_a_person(site: Site) -> None:
    machine = site.machines[N01]
    machine.run(f"rm {_HOME}/current/model/model.bin")
    with site.under_load(30) as seen:
        serve(site, NEW, {**REPLACING, "gates": {"ready": "3s"}}, fault="mute")
        ended = site.apply()
    assert ended.code == 6, ended
    assert "does not come back" in ended.host(N01)["reason"]
    assert ended.host(N01)["data"]["quarantined"] is True
    assert unharmed(seen)
    serve(site, NEW)
    again = site.apply()
    assert again.code == 0, again
    assert N01 not in {host["host"] for host in again.report()["hosts"]}


def test_a_store_that_was_lost_is_made_anew_from_the_hosts(site: Site) -> None:
    lost = {"EDGECTL_STATE": f"sqlite:///{site.folder}/other.db"}
    first = site.edgectl("deploy", "reconcile", "all", "-o", "json", more=lost)
    second = site.edgectl("deploy", "reconcile", "all", more=lost)
    assert (first.code, second.code) == (0, 0), (first, second)
    assert "the store says what the hosts say" in second.out
    states = [host["data"]["services"]["chat"]["release"] for host in first.report()["hosts"]]
    assert states == site.on_all(_LINK)


def test_what_is_pruned_is_neither_in_force_nor_before_it(site: Site) -> None:
    for number in range(3):
        serve(site, f"{NEW} {number}")
        assert site.apply().code == 0
    blobs = "find /var/lib/edgectl/blobs -type f | wc -l"
    machine = site.machines[N02]
    kept = machine.run(f"{_LINK}; readlink {_HOME}/previous").split()
    ended = site.edgectl("deploy", "prune", "chat", "-y", "-o", "json")
    assert ended.code == 0, ended
    assert set(kept) <= set(machine.run(f"ls {_HOME}").split())
    assert int(machine.run(blobs)) >= 2
    assert json.loads(ended.out)["summary"]["failed"] == 0


def test_an_engine_that_hangs_is_started_anew_and_one_that_serves_is_left_alone(site: Site) -> None:
    machine = site.machines[N02]
    slot = machine.run(
        'head -1 /etc/edgectl/chat.haproxy.cfg | grep -o \'"serving": "[ab]\' | tail -c2'
    ).strip()
    pid = f"systemctl show -p MainPID --value edgectl-chat-{slot}"
    watch = "python3 /usr/local/lib/edgectl-watch.py chat tiny --timeout 1 --misses 2"
    before = machine.run(pid)
    assert machine.try_run(watch).returncode == 0
    machine.run(f"kill -STOP $({pid})")
    assert [machine.try_run(watch).returncode for _ in range(2)] == [1, 1]
    assert machine.run(pid) != before
    assert machine.run("systemctl is-active edgectl-chat-watch.timer").strip() == "active"
    assert site.apply().code == 0
