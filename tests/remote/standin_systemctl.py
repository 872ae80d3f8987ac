"""systemctl and journalctl over one JSON file: {unit: {"active", "boot", "dies", "type", "journal", ...}}."""

# ruff: noqa: T201 - what a program prints is its product

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

STATE = Path(os.environ["STANDIN_STATE"])
AFTER = {"start": "active", "restart": "active", "reload": "active", "stop": "inactive"}
BOOT = {"enable": "enabled", "disable": "disabled", "mask": "masked", "unmask": "disabled"}


def main() -> int:
    units = json.loads(STATE.read_text(encoding="utf-8"))
    words = [word for word in sys.argv[2:] if not word.startswith("-")]
    units.setdefault("log", []).append(sys.argv[2:])
    code = journal(units, words) if sys.argv[1] == "journalctl" else systemctl(units, words)
    STATE.write_text(json.dumps(units), encoding="utf-8")
    return code


def journal(units: dict[str, Any], words: list[str]) -> int:
    print(units[words[0]].get("journal", ""))
    return 0


def systemctl(units: dict[str, Any], words: list[str]) -> int:
    verb, name = words[0], [*words, ""][1]
    unit = units.get(name)
    if verb == "show":
        return show(name, unit)
    if verb == "is-enabled":
        print(unit["boot"] if unit else "not-found")
        return 0 if unit and unit["boot"] in ("enabled", "static") else 1
    if name and unit is None:
        print(f"Unit {name} not found.", file=sys.stderr)
        return 5
    if unit is not None and unit.get("refuses") == verb:
        print("Access denied", file=sys.stderr)
        return 1
    if verb in BOOT and unit is not None and not unit.get("stubborn"):
        unit["boot"] = BOOT[verb]
    if verb in AFTER and unit is not None and not unit.get("stubborn"):
        unit["active"] = unit.get("dies", AFTER[verb]) if verb != "stop" else "inactive"
    return 0


def show(name: str, unit: dict[str, Any] | None) -> int:
    if unit is None:
        print(f"Id={name}\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=")
        return 0
    print(f"Id={name}\nLoadState={unit.get('load', 'loaded')}\nActiveState={unit['active']}\nSubState=x")
    print(f"Type={unit.get('type', 'simple')}\nResult={unit.get('result', 'success')}")
    print(f"UnitFileState={unit['boot']}")
    print(f"Environment=SECRET=1\nLoadError={unit.get('error', '')}")
    return 0


sys.exit(main())
