"""Swaps behind HAProxy on real Debian hosts, under the steady load of a client that judges each stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hosts import debian_service
from tests.hosts.debian_service import ENGINE, Site

OLD, NEW = "one two three four five six seven eight nine", "uno dos tres cuatro cinco seis siete ocho nueve"
_FIRST = "tst1-r1-n01"
_LINK = "readlink /var/lib/edgectl/releases/chat/current"
REPLACING = {"strategy": {"swap": "replace"}, "rollout": {"canary": 1, "max_out": 1}}


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := debian_service.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("swap")
    with debian_service.debian_service(folder, debian_service.names(1, 2)) as site:
        serve(site, OLD)
        assert site.apply().code == 0
        site.machines[_FIRST].run(f"{_LINK} > /tmp/old")
        yield site


@pytest.fixture
def site(booted: Site) -> Site:
    """Two hosts that serve the old release."""
    serve(booted, OLD)
    if set(booted.on_all(_LINK)) != {booted.machines[_FIRST].run("cat /tmp/old").strip()}:
        assert booted.apply().code == 0
    return booted


def serve(site: Site, says: str, more: dict[str, Any] | None = None, **script: Any) -> None:
    site.write_model(json.dumps({"says": says, "pace_s": 0.03, **script}).encode(), ENGINE, **(more or {}))


def unharmed(seen: dict[str, Any]) -> bool:
    assert seen.get("failed", 0) == seen.get("cut", 0) == 0, seen
    return bool(seen["ok"] / seen["seconds"] > 29)


@pytest.mark.parametrize(
    "more",
    [pytest.param({}, id="side by side"), pytest.param(REPLACING, id="replace", marks=pytest.mark.long)],
)
def test_a_swap_and_the_way_back_cost_no_request_and_no_token(site: Site, more: dict[str, Any]) -> None:
    with site.under_load(30) as seen:
        serve(site, NEW, more)
        there = site.apply()
        back = site.rollback()
    assert (there.code, back.code) == (0, 0), (there, back)
    assert unharmed(seen)
    assert len(seen["said"]) == 2
    assert site.rollback().report()["summary"]["ok"] == 2


@pytest.mark.parametrize(
    ("says", "more", "script", "said"),
    [
        pytest.param(
            NEW,
            {"gates": {"ready": "3s"}},
            {"fault": "never-ready"},
            "/health answers 503",
            id="never ready",
            marks=pytest.mark.long,
        ),
        pytest.param(
            NEW, {"gates": {"ready": "3s"}}, {"fault": "mute"}, "it produced no token", id="no tokens"
        ),
        pytest.param(
            NEW,
            {"gates": {"smoke": {"prompts": [{"ask": "Say hello.", "golden": "one two"}]}}},
            {},
            "where the golden output is 'one two'",
            id="wrong output",
        ),
    ],
)
def test_a_release_that_does_not_work_is_halted_at_the_canary_and_the_old_one_serves_on(
    site: Site, says: str, more: dict[str, Any], script: dict[str, Any], said: str
) -> None:
    before = site.on_all(_LINK)
    with site.under_load(30) as seen:
        serve(site, says, more, **script)
        ended = site.apply()
    canary = ended.host(_FIRST)
    assert (ended.code, canary["status"], ended.host("tst1-r1-n02")["status"]) == (6, "failed", "not_run")
    assert said in canary["reason"]
    assert "\n" not in canary["reason"]
    assert unharmed(seen)
    assert len(seen["said"]) == 1
    assert site.on_all(_LINK) == before


def test_what_no_host_may_serve_is_said_in_a_line_and_touches_none(site: Site) -> None:
    serve(site, NEW, {"gpus": {"sku": ["b200"]}})
    ended = site.apply()
    assert ended.code == 6, ended
    assert "no host may serve" in ended.err
    assert "2 of 2: has no known GPU, and b200 is wanted" in ended.err


@pytest.mark.long
def test_an_engine_that_listened_itself_hands_over_to_a_front(site: Site) -> None:
    serve(site, OLD, {"name": "direct", "serve": {"front": "none", "port": 8100}})
    services = site.edgectl.inventory / "services"
    (services / "direct.yaml").write_text((services / "chat.yaml").read_text())
    apply = ("deploy", "apply", "direct", "-y", "-o", "json")
    assert site.edgectl(*apply).code == 0
    serve(site, NEW, {"name": "direct", "serve": {"port": 8100}})
    (services / "direct.yaml").write_text((services / "chat.yaml").read_text())
    ended = site.edgectl(*apply)
    assert ended.code == 0, ended
    assert site.on_all("ls /etc/systemd/system | grep -c '^edgectl-direct.service$'; true") == ["0", "0"]
    assert site.edgectl(*apply).report()["summary"]["ok"] == 2


@pytest.mark.long
def test_a_restart_of_the_proxy_or_of_the_host_brings_back_who_served(site: Site) -> None:
    serve(site, NEW)
    assert site.apply().code == 0
    machine = site.machines[_FIRST]
    machine.run("systemctl restart edgectl-chat-front")
    with site.under_load(20) as seen:
        pass
    assert unharmed({**seen, "seconds": seen["seconds"] / 2})
    assert list(seen["said"]) == [" ".join(NEW.split()[:8])]


def test_what_changes_an_engine_does_not_pass_the_front(site: Site) -> None:
    machine = site.machines[_FIRST]
    asked = (
        "import urllib.request, urllib.error\n"
        f"for path in ('/v1/load_lora_adapter', '/pause', '/v1/models'):\n"
        f"    try: print(urllib.request.urlopen('http://{machine.address}:8000' + path).status)\n"
        "    except urllib.error.HTTPError as error: print(error.code)"
    )
    assert machine.run(f'python3 -c "{asked}"').split() == ["403", "403", "200"]
