"""Many hosts to collect from at once: one process per driver branch, so that Python starts once for hundreds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.nvml.scenario import Scene

_PROGRAM = """
import json, os, sys
from edgectl.remote.health.collect import collect
for line in sys.stdin:
    wanted = json.loads(line)
    os.environ.update(wanted["environment"])
    print(json.dumps(collect(**wanted["given"])), flush=True)
"""
_TIMEOUT_S = 3600


def collect_all(scenes: Mapping[str, Scene]) -> dict[str, dict[str, Any]]:
    """Return what each host says about its health, by name."""
    by_library: defaultdict[str, dict[str, Scene]] = defaultdict(dict)
    for name, scene in scenes.items():
        by_library[scene.environment().get("LD_LIBRARY_PATH", "")][name] = scene
    found: dict[str, dict[str, Any]] = {}
    for group in by_library.values():
        found |= dict(zip(group, _collect(list(group.values())), strict=True))
    return found


def _collect(scenes: Sequence[Scene]) -> list[dict[str, Any]]:
    """Return the answers of hosts with one library: the loader looks for it where the process began."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input="".join(f"{json.dumps(_wanted(scene))}\n" for scene in scenes),
        env=scenes[0].environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _wanted(scene: Scene) -> dict[str, Any]:
    environment = {name: value for name, value in scene.environment().items() if name != "LD_LIBRARY_PATH"}
    given = {
        "deadline_s": scene.deadline_s,
        "units": list(scene.units),
        "folders": [str(scene.lock)],
        "root": str(scene.root),
    }
    return {"environment": environment, "given": given}
