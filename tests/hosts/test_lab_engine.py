"""A lab host serves a real model with a real engine."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from edgectl.lab.lifecycle import LabStatus
from edgectl.lab.model import write_model
from tests.hosts.lab_box import CLOCK, Box, box, lab

__all__ = ["box", "lab"]

_UNIT = """\
[Service]
ExecStart=/usr/local/bin/edgectl-lab-engine --model /srv/model.gguf --host {address} --port 8077 --alias chat
"""


def test_a_chat_completion_from_a_unit_on_the_host_s_address(
    lab: LabStatus, box: Box, tmp_path: Path
) -> None:
    pytest.importorskip("xllamacpp", reason="needs edgectl[lab]")
    pytest.importorskip("gguf", reason="needs edgectl[lab]")
    address = lab.hosts[0].address
    write_model(tmp_path / "model.gguf", seed=1)
    box.run("cat > /srv/model.gguf", (tmp_path / "model.gguf").read_bytes())
    box.run("cat > /etc/systemd/system/chat.service", _UNIT.format(address=address).encode())
    box.ok("systemctl start chat")
    _await_health(address)
    question = {"model": "chat", "messages": [{"role": "user", "content": "the edge"}], "max_tokens": 8}
    request = urllib.request.Request(
        f"http://{address}:8077/v1/chat/completions",
        json.dumps(question).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.loads(answer.read())["usage"]["completion_tokens"] == 8
    box.ok("systemctl stop chat")
    assert box.ok("systemctl show -p Result --value chat") == "success"


def _await_health(address: str) -> None:
    deadline = CLOCK.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(f"http://{address}:8077/health", timeout=5).close()
        except OSError:
            if CLOCK.monotonic() > deadline:
                raise
            CLOCK.sleep(0.05)
        else:
            return
