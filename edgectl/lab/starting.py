"""Start the supervisor of a lab and hear from it whether the lab is up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from edgectl.errors import MissingError
from edgectl.lab.complaint import unpack
from edgectl.lab.importing import import_path
from edgectl.lab.layout import LabFiles, LabSpec


def start_supervisor(spec: LabSpec) -> None:
    """Return once every host answers; raises `EdgectlError` saying what is in the way."""
    reader, writer = os.pipe()
    with LabFiles(spec.directory).log.open("ab") as log:
        subprocess.run(
            [sys.executable, "-m", "edgectl.lab.supervisor", str(spec.directory), str(writer)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writer,),
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": import_path()},
            check=False,
        )
    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123 - a pipe has no path
        answer: dict[str, Any] = json.loads(pipe.read() or b"{}")
    if "taken" in answer:
        raise MissingError(
            f"the lab cannot listen on {answer['taken']}",
            hint="another lab may be up: choose other addresses, or a port",
        )
    if "up" not in unpack(answer):
        raise MissingError(f"the lab did not come up:\n{_last_words(spec)}")


def _last_words(spec: LabSpec) -> str:
    lines = LabFiles(spec.directory).log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-15:])
