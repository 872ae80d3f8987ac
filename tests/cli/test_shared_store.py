"""Two controllers on one PostgreSQL: what one begins, the other knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_run import Edgectl
from tests.fakes import postgres

PLAY = "- hosts: all\n  gather_facts: false\n  tasks: [{shell: 'true'}]\n"


@pytest.mark.skipif(bool(postgres.missing()), reason=postgres.missing())
def test_what_one_controller_begins_another_continues_and_freezes(edgectl: Edgectl, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    play = tmp_path / "play.yaml"
    play.write_text(PLAY)
    with postgres.cluster() as url:
        state = {"EDGECTL_STATE": url}
        one = Edgectl(edgectl.home, edgectl.inventory, state)
        other = Edgectl(tmp_path / "other", edgectl.inventory, state)
        began = one("run", play, "-o", "json").report()
        assert other("runs", "resume", "-o", "json").report()["run"] == began["run"]
        assert other("freeze", "--reason", "sale").code == 0
        assert "frozen by" in one("run", play).err
