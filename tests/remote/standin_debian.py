"""apt-get, apt-cache, apt-mark, dpkg, dpkg-query and dpkg-deb over one JSON file: a small Debian.

{"installed": {name: {"version", "want", "status", "provides"}}, "available": {name: [version, ...]},
 "depends": {name: [name]}, "auto": [name], "locked": n, "refuses": [name], "log": [[word, ...]]}
"""

# ruff: noqa: T201, ARG001 - what a program prints is its product; its verbs share one signature

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

STATE = Path(os.environ["STANDIN_STATE"])


def main() -> int:
    state = json.loads(STATE.read_text(encoding="utf-8"))
    program, words = sys.argv[1], sys.argv[2:]
    state.setdefault("log", []).append([program, *words])
    try:
        return {
            "apt-get": apt_get,
            "apt-cache": apt_cache,
            "apt-mark": apt_mark,
            "dpkg": dpkg,
            "dpkg-query": dpkg_query,
            "dpkg-deb": dpkg_deb,
        }[program](state, words)
    finally:
        STATE.write_text(json.dumps(state), encoding="utf-8")


def bare(words: list[str]) -> list[str]:
    found, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-t"):
            skip = True
        elif not word.startswith("-"):
            found.append(word)
    return found


def apt_get(state: dict[str, Any], words: list[str]) -> int:
    if state.get("locked", 0) > 0:
        state["locked"] -= 1
        print("E: Could not get lock /var/lib/dpkg/lock-frontend", file=sys.stderr)
        return 100
    verb, *names = bare(words)
    if verb == "update":
        state["updates"] = state.get("updates", 0) + 1
        if state["updates"] <= state.get("fails_updates", 0):
            print("W: Some index files failed to download. They have been ignored.", file=sys.stderr)
        return 0
    print("Reading state information...")
    act = {
        "install": install,
        "remove": remove,
        "upgrade": upgrade,
        "dist-upgrade": upgrade,
        "autoremove": autoremove,
    }
    return act.get(verb, nothing)(state, names, words)


def nothing(state: dict[str, Any], names: list[str], words: list[str]) -> int:
    return 0


def install(state: dict[str, Any], names: list[str], words: list[str]) -> int:
    wanted: dict[str, str] = {}
    for word in names:
        if "/" in word:
            fields = json.loads(Path(word).read_text(encoding="utf-8"))
            wanted[fields["Package"]] = fields["Version"]
            continue
        asked, _, version = word.partition("=")
        name = state.get("virtual", {}).get(asked, asked)
        if name not in state["available"]:
            print(f"E: Unable to locate package {name}", file=sys.stderr)
            return 100
        wanted[name] = version or state["available"][name][0]
        for other in state.get("depends", {}).get(name, []):
            wanted.setdefault(other, state["available"][other][0])
    held = [n for n in wanted if state["installed"].get(n, {}).get("want") == "hold"]
    if held and "--allow-change-held-packages" not in words:
        print(
            "E: Held packages were changed and -y was used without --allow-change-held-packages.",
            file=sys.stderr,
        )
        return 100
    print(f"The following NEW packages will be installed:\n  {' '.join(wanted)}")
    print(f"0 upgraded, {len(wanted)} newly installed, 0 to remove and 0 not upgraded.")
    if "-s" not in words:
        for name, version in wanted.items():
            if name not in state.get("refuses", []):
                provides = state.get("provides", {}).get(name, "")
                state["installed"][name] = {"version": version, "provides": provides}
    return 0


def remove(state: dict[str, Any], names: list[str], words: list[str]) -> int:
    print(f"The following packages will be REMOVED:\n  {' '.join(names)}")
    for name in names if "-s" not in words else []:
        if name in state.get("refuses", []):
            continue
        if "--purge" in words:
            del state["installed"][name]
        else:
            state["installed"][name]["status"] = "config-files"
    return 0


def upgrade(state: dict[str, Any], names: list[str], words: list[str]) -> int:
    newer = [
        n
        for n, p in state["installed"].items()
        if state["available"].get(n, [p["version"]])[0] != p["version"]
    ]
    print(f"{len(newer)} upgraded, 0 newly installed, 0 to remove and 0 not upgraded.")
    for name in newer if "-s" not in words else []:
        state["installed"][name]["version"] = state["available"][name][0]
    return 0


def autoremove(state: dict[str, Any], names: list[str], words: list[str]) -> int:
    return remove(state, state["auto"], words) if state.get("auto") else 0


def apt_cache(state: dict[str, Any], words: list[str]) -> int:
    verb, *names = bare(words)
    if verb == "pkgnames":
        print("\n".join(state["available"]))
        return 0
    for name in names:
        if name in state["available"]:
            here = state["installed"].get(name, {}).get("version", "(none)")
            print(
                f"{name}:\n  Installed: {here}\n  Candidate: {state['available'][name][0]}\n  Version table:"
            )
            for version in state["available"][name]:
                mark = "***" if version == here else "   "
                print(f" {mark} {version} 500\n        500 http://deb.example stable/main")
    return 0


def apt_mark(state: dict[str, Any], words: list[str]) -> int:
    return 0


def dpkg(state: dict[str, Any], words: list[str]) -> int:
    if words[0] == "--compare-versions":
        return (
            subprocess.run(["/usr/bin/dpkg", *words], check=False).returncode
            if Path("/usr/bin/dpkg").exists()
            else compare(*words[1:])
        )
    for line in sys.stdin.read().splitlines():
        name, want = line.split()
        if name in state["installed"] and name not in state.get("refuses", []):
            state["installed"][name]["want"] = want
    return 0


def compare(one: str, operator: str, other: str) -> int:
    assert operator == "ge"
    return 0 if [int(p) for p in one.split(".")] >= [int(p) for p in other.split(".")] else 1


def dpkg_query(state: dict[str, Any], words: list[str]) -> int:
    for name, package in sorted(state["installed"].items()):
        want, status = package.get("want", "install"), package.get("status", "installed")
        print(f"{name}\tamd64\t{package['version']}\t{want} {status}\t{package.get('provides', '')}")
    return 0


def dpkg_deb(state: dict[str, Any], words: list[str]) -> int:
    try:
        fields = json.loads(Path(words[1]).read_text(encoding="utf-8"))
    except ValueError:
        print("dpkg-deb: error: not a Debian format archive", file=sys.stderr)
        return 2
    print("\n".join(f"{key}: {fields[key]}" for key in words[2:]))
    return 0


sys.exit(main())
