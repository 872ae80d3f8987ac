"""The command, at home in an empty folder, with one host that nobody can reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_run import Edgectl

FLEET = """\
defaults: {ssh: {user: root, port: 9, key: /nonexistent/key}}
pops:
  fra1:
    metro: FRA
    hosts:
      fra1-n01: {address: 127.63.0.1, role: gpu}
      fra1-n02: {address: 127.63.0.2, role: gpu}
"""


@pytest.fixture
def edgectl(tmp_path: Path) -> Edgectl:
    home = tmp_path / "home"
    home.mkdir()
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    (inventory / "fleet.yaml").write_text(FLEET)
    return Edgectl(home, inventory, {})
