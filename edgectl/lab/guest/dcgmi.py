"""`dcgmi diag`: one test, `software`, which passes on every GPU that has not fallen off its bus."""

from __future__ import annotations

import json
import sys

from edgectl.lab.guest.gpus import read_gpus

_FAILED = 226  # DCGM_ST_NVVS_ISOLATE_ERROR as an exit status


def main(arguments: list[str]) -> int:
    """Run one dcgmi command; return its exit code."""
    if arguments[1:2] != ["diag"]:
        sys.stderr.write(f"dcgmi: the lab does not play {' '.join(arguments[1:])}\n")
        return 1
    results = [
        {"status": "Fail" if gpu["lost"] else "Pass", "entity_id": gpu["index"]} for gpu in read_gpus()
    ]
    tests = [{"name": "software", "results": results}]
    if "-j" in arguments:
        category = {"category": "Deployment", "tests": tests}
        sys.stdout.write(f"{json.dumps({'DCGM Diagnostic': {'test_categories': [category]}})}\n")
    return _FAILED if any(result["status"] == "Fail" for result in results) else 0
