"""`nvidia-ctk cdi generate` and `cdi list`: a specification with the names of this host's GPUs, and no more."""

from __future__ import annotations

import os
import re
import sys

from edgectl.lab.guest.gpus import loaded_driver, read_gpus

_FOLDERS = ("/etc/cdi", "/var/run/cdi")
_NAME = re.compile(r"^ *- name: \"?([^\"\n]+)", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Run one nvidia-ctk command; return its exit code."""
    words = arguments[1:]
    if words[:2] == ["cdi", "list"]:
        return _list()
    if words[:2] == ["cdi", "generate"]:
        return _generate(next((word[9:] for word in words if word.startswith("--output=")), ""))
    sys.stderr.write(f"nvidia-ctk: the lab does not play {' '.join(words)}\n")
    return 1


def _generate(path: str) -> int:
    driver = loaded_driver()
    if not driver:
        sys.stderr.write("failed to create CDI library: failed to initialize NVML: ERROR_DRIVER_NOT_LOADED\n")
        return 1
    gpus = [gpu for gpu in read_gpus() if not gpu["lost"]]
    names = [*(str(gpu["index"]) for gpu in gpus), *(gpu["uuid"] for gpu in gpus), "all"]
    devices = "".join(f'  - name: "{name}"\n' for name in names)
    library = f"/usr/lib/x86_64-linux-gnu/libcuda.so.{driver}"
    mounts = f"containerEdits:\n  mounts:\n    - hostPath: {library}\n"
    with open(path, "w", encoding="utf-8") if path else sys.stdout as out:
        out.write(f"cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n{devices}{mounts}")
    return 0


def _list() -> int:
    found: list[str] = []
    for folder in _FOLDERS:
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found += [f"nvidia.com/gpu={device}" for device in _NAME.findall(file.read())]
    sys.stdout.write("".join(f"{name}\n" for name in sorted(set(found))))
    return 0
