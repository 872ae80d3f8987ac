from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from edgectl.ssh.client_config import client_config


def test_without_a_file_nothing_is_said(tmp_path: Path) -> None:
    assert client_config(tmp_path / "config").lookup("fra1") == {"hostname": "fra1"}


def test_what_the_file_says_of_a_host_is_found(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("Host fra*\n  User edge\n  Port 2222\n")

    found = client_config(path).lookup("fra1")

    assert (found["user"], found["port"]) == ("edge", "2222")


def test_a_match_that_runs_a_program_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text('Match exec "test %h = fra1"\n  User edge\nMatch exec false\n  Port 1\n')
    asked = "from pathlib import Path; from edgectl.ssh.client_config import client_config;"
    asked += f"print(client_config(Path({str(path)!r})).lookup('fra1'))"

    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert "'user': 'edge'" in done.stdout
    assert "'port'" not in done.stdout


def test_without_such_a_match_nothing_is_imported_for_it() -> None:
    asked = "import sys, edgectl.ssh.connector; print(sys.modules['invoke'])"

    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["None"]
