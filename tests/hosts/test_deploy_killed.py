"""Controller and host killed at each state of a swap, under load: the same command again comes to the same end."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.hosts import debian_service
from tests.hosts.debian_service import Site
from tests.hosts.test_deploy_swap import NEW, OLD, REPLACING, serve, unharmed

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
_HOME, _CONFIG = "/var/lib/edgectl/releases/chat", "/etc/edgectl/chat.haproxy.cfg"
_SLOT = "/etc/systemd/system/edgectl-chat-{}.service"
# The old release is in slot a, the new one comes to b.
STATES = {
    "laid out": f"test $(ls {_HOME} | grep -c ^r-) = 2",
    "started": "systemctl is-active -q edgectl-chat-b",
    "switched": f'head -1 {_CONFIG} | grep -q \'"serving": "b"\'',
    "old stopped": f"test ! -e {_SLOT.format('a')}",
    "in force": f"test $(readlink {_HOME}/current) != $(readlink {_HOME}/previous)",
}
REPLACED = {"drained": f'head -1 {_CONFIG} | grep -q \'"serving": ""\'', **STATES}
_CASES = [("side-by-side", state) for state in STATES] + [("replace", state) for state in REPLACED]


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := debian_service.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("killed")
    with debian_service.debian_service(folder, debian_service.names(1, 2)) as site:
        yield site


def _afresh(site: Site) -> None:
    """Take all of the service away, and put the old release into slot a."""
    site.on_all(
        "systemctl stop 'edgectl-chat-*'; rm -rf /etc/systemd/system/edgectl-chat-* /etc/edgectl "
        "/var/lib/edgectl/releases /tmp/hit; systemctl daemon-reload; true"
    )
    serve(site, OLD)
    assert site.apply().code == 0


def killed_at(site: Site, condition: str) -> None:
    """Apply, and kill the controller and all of it at the canary as soon as the condition holds there."""
    canary = site.machines["tst1-r1-n01"]
    trap = f"until {condition}; do :; done; pkill -9 python3; touch /tmp/hit"
    canary.run(f"nohup sh -c {shlex.quote(trap)} >/dev/null 2>&1 &")
    words = [sys.executable, "-m", "edgectl", "deploy", "apply", "chat", "-y"]
    controller = subprocess.Popen(
        words, env=site.edgectl.variables(), cwd=site.edgectl.home, stderr=subprocess.DEVNULL
    )
    give_up = time.monotonic() + 60
    while canary.try_run("test -e /tmp/hit").returncode:
        assert time.monotonic() < give_up, "the state was never seen"
    controller.send_signal(signal.SIGKILL)
    controller.wait()


def _state(site: Site) -> list[str]:
    return site.on_all(
        f"readlink {_HOME}/current; readlink {_HOME}/previous; ls /etc/systemd/system | grep edgectl-chat | wc -l;"
        f'systemctl is-active edgectl-chat-front; head -1 {_CONFIG} | grep -c \'"serving": "[ab]"\''
    )


@pytest.mark.parametrize(("swap", "state"), _CASES, ids=[f"{swap}, {state}" for swap, state in _CASES])
def test_what_was_killed_at_a_state_comes_to_the_same_end(booted: Site, swap: str, state: str) -> None:
    _afresh(booted)
    more = REPLACING if swap == "replace" else {}
    with booted.under_load(30) as seen:
        serve(booted, NEW, more)
        killed_at(booted, REPLACED[state])
        again = booted.apply("--wait", "60s")
    assert again.code == 0, again
    assert unharmed(seen)
    ends = [said.split() for said in _state(booted)]
    assert ends[0] == ends[1]
    # Its front, one engine, and the watchdog with its timer.
    assert ends[0][2:] == ["4", "active", "1"]
    assert ends[0][0] != ends[0][1]
    assert booted.apply().report()["summary"]["ok"] == 2
