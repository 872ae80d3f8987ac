"""Releases as quadlets on real Debian hosts, with a stand-in for podman's generator, which Debian 12 is too old for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hosts import debian_service
from tests.hosts.debian_service import ENGINE, Site, engine_tree
from tests.hosts.test_deploy_swap import NEW, OLD, REPLACING, unharmed

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
_FILES = "ls /etc/containers/systemd /etc/systemd/system | grep -E 'chat-[ab]' || echo none"
_LINK = "readlink /var/lib/edgectl/releases/chat/current"
_IMAGE = f"registry.example.net/engine@sha256:{'a' * 64}"
_QUADLET: dict[str, Any] = {"kind": "vllm", "runtime": "quadlet", "command": "", "image": _IMAGE}


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two hosts that serve a release from a unit of systemd's own, with the podman that a test gives them."""
    if reason := debian_service.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("quadlet")
    tree = engine_tree(folder / "tree")
    _put(tree / "usr/lib/systemd/system-generators/podman-system-generator", _generator())
    _put(tree / "usr/bin/podman", "#!/bin/sh\necho podman version $(cat /etc/podman-version)\n")
    with debian_service.debian_service(folder, debian_service.names(1, 2), tree) as site:
        yield site


def _generator() -> str:
    return "#!/usr/bin/python3\n" + Path(__file__).with_name("standin_quadlet.py").read_text()


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def site(booted: Site) -> Site:
    serve(booted, OLD)
    assert booted.apply().code == 0
    booted.on_all("echo 4.4.0 > /etc/podman-version")
    return booted


def serve(
    site: Site, says: str, engine: dict[str, Any] | None = None, more: dict[str, Any] | None = None
) -> None:
    script = json.dumps({"says": says, "pace_s": 0.03}).encode()
    site.write_model(script, ENGINE, **{"engine": engine or {}, **(more or {})})


@pytest.mark.parametrize("more", [{}, REPLACING], ids=["side by side", "replace"])
def test_a_container_takes_over_from_a_unit_and_gives_back_and_no_request_is_lost(
    site: Site, more: dict[str, Any]
) -> None:
    with site.under_load(30) as seen:
        serve(site, NEW, _QUADLET, more)
        there = site.apply()
        as_container = site.on_all(_FILES)
        again = site.apply()
        back = site.rollback()
    assert (there.code, back.code) == (0, 0), (there, back)
    assert again.report()["summary"]["ok"] == 2, again
    assert {name.rpartition(".")[2] for name in as_container} == {"container"}
    assert {name.rpartition(".")[2] for name in site.on_all(_FILES)} == {"service"}
    assert unharmed(seen)
    assert len(seen["said"]) == 2


def test_one_container_takes_over_from_another_and_is_there_after_a_restart(site: Site) -> None:
    serve(site, OLD, _QUADLET)
    assert site.apply().code == 0
    with site.under_load(30) as seen:
        serve(site, NEW, _QUADLET)
        there = site.apply()
    assert there.code == 0, there
    assert unharmed(seen)
    machine = next(iter(site.machines.values()))
    unit = machine.run("ls /etc/containers/systemd").strip().replace(".container", ".service")
    assert machine.run(f"systemctl is-enabled {unit}").strip() == "generated"
    assert unit in machine.run("ls /run/systemd/generator/multi-user.target.wants")


@pytest.mark.parametrize(
    ("podman", "said"),
    [
        ("echo 4.3.1 > /etc/podman-version", "podman 4.3.1 makes no units of quadlets"),
        ("rm /etc/podman-version", "podman is not installed"),
    ],
)
def test_a_host_whose_podman_is_too_old_is_refused_before_anything_changes(
    site: Site, podman: str, said: str
) -> None:
    before, files = site.on_all(_LINK), site.on_all(_FILES)
    site.on_all(f"{podman}; true")
    serve(site, NEW, _QUADLET)
    looked, ended = site.apply("--check"), site.apply()

    assert said in looked.err + looked.out
    assert ended.code == 6, ended
    assert said in ended.report()["hosts"][0]["reason"]
    assert "nothing was touched" in ended.report()["hosts"][0]["reason"]
    assert (site.on_all(_LINK), site.on_all(_FILES)) == (before, files)
    assert site.on_all("ls /var/lib/edgectl/releases/chat | grep -c ^r-") <= ["3", "3"]
