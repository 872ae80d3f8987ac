"""Run Ansible's own modules, each case in a process of its own: cases as JSON on stdin, results on stdout.

Started by `test_like_ansible.py`. Imports edgectl not at all.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
from typing import Any


def main() -> None:
    cases = json.load(sys.stdin)
    for name in {f"ansible.modules.{case['module']}" for case in cases}:
        importlib.import_module(name)
    json.dump([run_case(case) for case in cases], sys.stdout)


def run_case(case: dict[str, Any]) -> dict[str, Any]:
    """Run a case as often as it says; the last result counts."""
    return [run_once(case) for _ in range(case.get("times", 1))][-1]


def run_once(case: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.dup2(writing, 1)
        os.umask(0o022)
        call(case)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        said = stream.read()
    os.waitpid(pid, 0)
    result: dict[str, Any] = json.loads(said)
    return result


def call(case: dict[str, Any]) -> None:
    basic: Any = importlib.import_module("ansible.module_utils.basic")
    module = importlib.import_module(f"ansible.modules.{case['module']}")
    given = {**case["args"], "_ansible_check_mode": case["check"], "_ansible_diff": True}
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    out = sys.stdout = io.StringIO()
    try:
        module.main()
    except SystemExit:
        os.write(1, out.getvalue().encode())
    except Exception as error:  # noqa: BLE001 - Ansible's runner makes a failed task of whatever a module raises
        os.write(1, json.dumps({"failed": True, "msg": str(error)}).encode())


if __name__ == "__main__":
    main()
