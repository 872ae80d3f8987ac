from __future__ import annotations

import subprocess
from pathlib import Path

from edgectl.lab.processes import kill_and_wait, record_processes, still_running


def test_remembered_processes_are_known_until_they_end(tmp_path: Path) -> None:
    path = tmp_path / "processes"
    with subprocess.Popen(["sleep", "60"]) as child:
        record_processes(path, [child.pid])
        assert still_running(path) == [child.pid]
        assert kill_and_wait(path, 5) == []
    assert still_running(path) == []


def test_a_reused_process_id_is_not_taken_for_the_old_process(tmp_path: Path) -> None:
    path = tmp_path / "processes"
    path.write_text('{"1": "123456789"}', encoding="utf-8")
    assert still_running(path) == []
