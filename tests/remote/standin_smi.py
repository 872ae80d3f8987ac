"""An `nvidia-smi` that sets what it is told, in a state file; `lies` and `fails` name settings that it does not take.

Settings that wait for a reset are pending; `reset` in the state makes them current.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_STATE = Path(__file__).parent / "state.json"
_COLUMNS = {
    "index": "index",
    "persistence_mode": "persistence",
    "power.limit": "power",
    "power.min_limit": "low",
    "power.max_limit": "high",
    "ecc.mode.current": "ecc",
    "ecc.mode.pending": "ecc_pending",
    "mig.mode.current": "mig",
    "mig.mode.pending": "mig_pending",
}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(words: list[str]) -> int:
    state: dict[str, Any] = json.loads(_STATE.read_text())
    state["calls"].append(" ".join(words))
    code = _run(words, state)
    _STATE.write_text(json.dumps(state))
    return code


def _run(words: list[str], state: dict[str, Any]) -> int:
    if state["down"]:
        _say("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")
        return 9
    if words[0] == "-L":
        for gpu in state["gpus"]:
            _say(f"GPU {gpu['index']}: NVIDIA X (UUID: GPU-{gpu['index']})")
            for number, part in enumerate(gpu["parts"]):
                _say(f"  MIG {part}     Device  {number}: (UUID: MIG-{number})")
        return 0
    if words[0].startswith("--query-gpu="):
        for gpu in state["gpus"]:
            names = words[0].partition("=")[2].split(",")
            _say(", ".join(_said(gpu[_COLUMNS[name]]) for name in names))
        return 0
    return _set(words, state)


def _said(value: Any) -> str:
    if value is None:
        return "[N/A]"
    if isinstance(value, bool):
        return "Enabled" if value else "Disabled"
    return str(value)


def _set(words: list[str], state: dict[str, Any]) -> int:
    gpu = state["gpus"][int(words[words.index("-i") + 1])]
    option = next(word for word in words if word in ("-pm", "-pl", "-e", "-mig", "-dci", "-dgi", "-cgi"))
    if option in state["fails"]:
        sys.stderr.write(f"{option}: Insufficient Permissions\n")
        return 4
    if option in state["lies"]:
        return 0
    value = words[words.index(option) + 1] if option not in ("-dci", "-dgi") else ""
    if option == "-pm":
        gpu["persistence"] = value == "1"
    elif option == "-pl":
        gpu["power"] = float(value)
    elif option == "-e":
        gpu["ecc_pending"] = value == "1"
    elif option == "-mig":
        gpu["mig_pending"] = value == "1"
        gpu["mig"] = gpu["mig"] if state["busy"] else value == "1"
    elif option == "-dgi":
        gpu["parts"] = []
    elif option == "-cgi":
        gpu["parts"] = value.split(",")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
