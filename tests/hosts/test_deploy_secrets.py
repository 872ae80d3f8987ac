"""Secrets of an engine on real hosts: a power cut at a site with nobody on it leaves a service that comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.hosts import debian_service
from tests.hosts.debian_service import Site, pid_of
from tests.hosts.nspawn import await_boot
from tests.hosts.test_deploy_swap import serve

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
_TOKEN = "tok-of-the-test-of-secrets"
_FOLDERS = "/var/lib/edgectl/secrets /run/edgectl/secrets /etc/systemd/system"
_WITH = {"secrets": {"HF_TOKEN": {"env": "EDGE_TOKEN"}}}


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := debian_service.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("secrets")
    with debian_service.debian_service(folder, debian_service.names(1, 1)) as site:
        yield site


def environment_of(site: Site, unit: str) -> str:
    (machine,) = site.machines.values()
    pid = pid_of(machine, unit)
    return "" if pid == "0" else machine.run(f"tr '\\0' '\\n' < /proc/{pid}/environ")


def test_a_service_with_secrets_comes_back_after_a_power_cut_with_nobody_there(site: Site) -> None:
    (machine,) = site.machines.values()
    serve(site, "one two three", _WITH)
    assert site.edgectl("deploy", "apply", "chat", "-y", more={"EDGE_TOKEN": "one before"}).code == 0
    told = {"EDGE_TOKEN": _TOKEN}
    ended = site.edgectl("deploy", "apply", "chat", "-y", "-o", "json", more=told)
    assert ended.code == 0, ended
    assert _TOKEN not in ended.out + ended.err
    again = site.edgectl("deploy", "apply", "chat", "-y", "-o", "json", more=told)
    assert again.report()["summary"]["ok"] == 1, again
    kept = machine.run(
        f"ls /var/lib/edgectl/secrets; grep -rl {_TOKEN} /var/lib/edgectl /etc || true"
    ).split()
    assert kept == ["chat.cred"], "encrypted, and nowhere as it is"

    machine.cut_power()
    await_boot(machine)
    give_up = time.monotonic() + 60
    while f"HF_TOKEN={_TOKEN}" not in environment_of(site, "edgectl-chat-a"):
        assert time.monotonic() < give_up, machine.run("journalctl -b --no-pager | tail -40")
        time.sleep(0.5)
    assert machine.run("stat -c %a /run/edgectl/secrets/chat.env /run/edgectl/secrets").split() == [
        "600",
        "700",
    ]
    third = site.edgectl("deploy", "apply", "chat", "-y", "-o", "json", more=told)
    assert third.report()["summary"]["ok"] == 1, third

    serve(site, "one two three")
    assert site.apply().code == 0
    left = machine.run(f"ls {_FOLDERS} | grep -E '^chat|secrets@' || true")
    assert left == ""
