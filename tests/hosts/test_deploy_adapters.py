"""LoRA adapters on real Debian hosts, under steady load: loaded and unloaded in the engine that runs, or by a swap."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli_run import Ended
from tests.hosts import debian_service
from tests.hosts.debian_service import ENGINE, SERVICE_PORT, Site, pid_of
from tests.hosts.test_deploy_killed import killed_at
from tests.hosts.test_deploy_swap import unharmed

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
_BASE = "one two three four five six seven eight nine"
_LEX, _IUS, _COR = ("lex " * 9, "ius " * 9, "cor " * 9)


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := debian_service.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("adapters")
    with debian_service.debian_service(folder, debian_service.names(1, 2)) as site:
        yield site


@pytest.fixture
def site(booted: Site) -> Site:
    """Two hosts that serve one adapter."""
    write(booted, law=_LEX)
    assert booted.apply().code == 0
    return booted


def write(site: Site, *, faults: dict[str, str] | None = None, base: str = _BASE, **adapters: str) -> None:
    """Write a specification with these adapters; each answers with its own words."""
    services = site.edgectl.inventory / "services"
    services.mkdir(exist_ok=True)
    lora = []
    for name, says in adapters.items():
        content = json.dumps({"says": says, "fault": (faults or {}).get(name, "")}).encode()
        (services / f"{name}.bin").write_bytes(content)
        file = {"source": f"file://{name}.bin", "sha256": hashlib.sha256(content).hexdigest()}
        lora.append({"name": name, "files": [file]})
    script = json.dumps({"says": base, "pace_s": 0.03}).encode()
    site.write_model(script, ENGINE, engine={"kind": "vllm"}, model={"lora": lora})


def said(site: Site, model: str, number: int = 0) -> str:
    """Ask a host's front as a client would; return the words, or the status where there are none."""
    address = list(site.machines.values())[number].address
    asked = {"model": model, "messages": [{"role": "user", "content": "Hi."}], "max_tokens": 2}
    request = urllib.request.Request(
        f"http://{address}:{SERVICE_PORT}/v1/chat/completions", json.dumps(asked).encode()
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return str(json.loads(answer.read())["choices"][0]["message"]["content"])
    except urllib.error.HTTPError as error:
        return str(error.code)


def pids(site: Site) -> list[list[str]]:
    """Return the process of each slot and of the front, host by host."""
    units = [f"edgectl-chat-{part}" for part in ("a", "b", "front")]
    return [[pid_of(machine, unit) for unit in units] for machine in site.machines.values()]


def adapted(ended: Ended) -> list[dict[str, Any]]:
    assert ended.code == 0, ended
    return [host["data"]["adapters"] for host in ended.report()["hosts"]]


def test_adapters_come_and_go_and_come_back_and_no_unit_is_restarted(site: Site) -> None:
    before = pids(site)
    with site.under_load(30) as seen:
        write(site, law=_IUS, med=_COR)
        looked = site.apply("--check")
        there = site.apply()
        served = [said(site, "law", number) + said(site, "med", number) for number in (0, 1)]
        again = site.apply()
        back = site.rollback()
        returned = [said(site, "law"), said(site, "med")]
    assert "would load law, load med in the engine that runs" in json.dumps(looked.report()), looked
    assert adapted(there) == [{"loaded": ["law", "med"], "unloaded": []}] * 2
    assert adapted(back) == [{"loaded": ["law"], "unloaded": ["med"]}] * 2
    assert served == ["ius iuscor cor"] * 2
    assert again.report()["summary"]["ok"] == 2, again
    assert returned == ["lex lex", "404"]
    assert pids(site) == before
    assert unharmed(seen)
    assert list(seen["said"]) == [" ".join(_BASE.split()[:8])]


_HOME = "/var/lib/edgectl/releases/chat"
STATES = {
    "laid out": f"ls -d {_HOME}/adapters/med-* >/dev/null 2>&1",
    "in the unit": "grep -q med- /etc/systemd/system/edgectl-chat-?.service",
    "in force": f"grep -q med- {_HOME}/current/release.json",
}


@pytest.mark.parametrize("state", STATES)
def test_what_is_killed_while_adapters_come_comes_to_the_same_end(site: Site, state: str) -> None:
    before = pids(site)
    with site.under_load(30) as seen:
        write(site, law=_IUS, med=_COR)
        killed_at(site, STATES[state])
        again = site.apply("--wait", "60s")
    assert again.code == 0, again
    served = [said(site, "law", number) + said(site, "med", number) for number in (0, 1)]
    assert served == ["ius iuscor cor"] * 2
    assert pids(site) == before
    assert unharmed(seen)
    assert site.apply().report()["summary"]["ok"] == 2


def test_an_engine_that_is_started_anew_has_the_adapters_of_its_release(site: Site) -> None:
    write(site, law=_LEX, med=_COR)
    adapted(site.apply())
    for machine in site.machines.values():
        machine.run("systemctl restart 'edgectl-chat-[ab].service'; sleep 3")
    assert [said(site, "law"), said(site, "med")] == ["lex lex", "cor cor"]
    assert site.apply().report()["summary"]["ok"] == 2


def test_an_adapter_that_somebody_unloaded_is_loaded_again(site: Site) -> None:
    before = pids(site)
    asked = (
        "import urllib.request, json\n"
        "for port in (18000, 18001):\n"
        "    try: urllib.request.urlopen(f'http://127.0.0.1:{port}/v1/unload_lora_adapter',"
        " json.dumps({'lora_name': 'law'}).encode())\n"
        "    except OSError: pass\n"
    )
    next(iter(site.machines.values())).run(f'python3 -c "{asked}"')
    assert said(site, "law") == "404"
    summary = site.apply().report()["summary"]
    assert (summary["changed"], summary["ok"]) == (1, 1)
    assert said(site, "law") == "lex lex"
    assert pids(site) == before


def test_an_adapter_that_the_engine_refuses_while_it_runs_comes_by_a_swap(site: Site) -> None:
    before = pids(site)
    with site.under_load(30) as seen:
        write(site, faults={"med": "unloadable"}, law=_LEX, med=_COR)
        ended = site.apply()
    assert ended.code == 0, ended
    assert [said(site, "law"), said(site, "med")] == ["lex lex", "cor cor"]
    assert pids(site) != before
    assert unharmed(seen)


def test_another_model_with_its_adapters_is_a_swap(site: Site) -> None:
    before = pids(site)
    write(site, base=_COR, law=_LEX)
    assert site.apply().code == 0
    assert said(site, "tiny") == "cor cor"
    assert pids(site) != before


def test_who_changes_adapters_does_not_pass_the_front_however_it_is_written(site: Site) -> None:
    address = next(iter(site.machines.values())).address
    paths = [
        "/v1/load_lora_adapter",
        "/v1/unload_lora_adapter",
        "/v1/%6coad_lora_adapter",
        "/v1/LOAD_LORA_ADAPTER",
        "/v1/x/../load_lora_adapter",
        "/v1/unload%5flora%5fadapter",
        "/load_lora_adapter",
        "/lora-adapters",
    ]
    codes = [_posted(f"http://{address}:{SERVICE_PORT}{path}") for path in paths]
    assert codes == [403] * len(paths)
    assert said(site, "law") == "lex lex"


def _posted(url: str) -> int:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, b'{"lora_name": "law"}'), timeout=20
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
