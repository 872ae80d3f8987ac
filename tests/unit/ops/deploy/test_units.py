from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgectl.ops.deploy.release import release_id
from edgectl.ops.deploy.units import render_unit
from tests.unit.ops.deploy.specs import LLAMA, VLLM, spec

_GOLDEN = Path(__file__).parents[3] / "golden/deploy"


def _unit(folder: Path, text: str) -> str:
    found = spec(folder, text)
    return render_unit(found, address="10.20.1.5", release=release_id(found))


@pytest.mark.parametrize(("text", "name"), [(LLAMA, "llama.cpp.service"), (VLLM, "vllm.service")])
def test_the_unit_of_an_engine_is_as_agreed(tmp_path: Path, text: str, name: str) -> None:
    assert _unit(tmp_path, text) == (_GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("text", [LLAMA, VLLM], ids=["llama.cpp", "vllm"])
def test_systemd_finds_nothing_wrong_with_a_unit(tmp_path: Path, text: str) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    program = tmp_path / "engine"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "edgectl-chat.service"
    wanted = _unit(tmp_path, text).replace("{release}", "/srv/release")
    for command in ("/opt/llama/llama-server", "/opt/vllm/bin/vllm"):
        wanted = wanted.replace(command, str(program))
    unit.write_text(wanted)
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "edgectl-chat" in line] == []


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "two words",
        'a "quote"',
        "it's",
        "100%",
        "%h",
        "$HOME",
        "${HOME}",
        "back\\slash",
        "a;b",
        "",
        "ü",
    ],
)
def test_systemd_hands_an_argument_and_a_variable_on_as_they_are_written(tmp_path: Path, value: str) -> None:
    """Proven by the lab's own reader of units, and in tests/hosts/test_nspawn.py by systemd itself."""
    found = spec(tmp_path, LLAMA).model_copy(
        update={"engine": spec(tmp_path, LLAMA).engine.model_copy(update={"args": {"x": value}})}
    )
    text = render_unit(found, address="10.0.0.1", release="r-1")
    from edgectl.lab.pid1.commandline import fill_in, parse_command

    line = next(line for line in text.splitlines() if line.startswith("ExecStart=")).removeprefix(
        "ExecStart="
    )
    assert fill_in(parse_command(line, "edgectl-chat.service"), {"HOME": "/root"})[-2:] == ["--x", value]
