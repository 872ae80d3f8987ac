"""Driver branches: what each one's library lacks, by the functions that NVIDIA's own bindings of its time lack.

Compared were nvidia-ml-py 12.535.161, 12.550.89, 12.570.172, 13.580.82 and 13.595.45 (PyPI): their functions, the
largest field id (`NVML_FI_MAX`) and the newest version of the fabric struct.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("library.c")
COMPILER = shutil.which("cc") or shutil.which("gcc")
NO_COMPILER = "needs a C compiler: apt-get install gcc"
SONAME = "libnvidia-ml.so.1"

_SINCE_550 = ("nvmlDeviceGetGpuFabricInfoV",)
_SINCE_570 = ("nvmlDeviceGetMarginTemperature", "nvmlDeviceGetTemperatureV")
_SINCE_595 = ("nvmlDeviceGetUnrepairableMemoryFlag_v1",)


@dataclass(frozen=True)
class Branch:
    """A driver generation; fields from `field_limit` on are unknown to it."""

    version: str
    field_limit: int
    fabric_version: int
    lacks: tuple[str, ...] = ()


BRANCHES = {
    "535": Branch("535.261.03", 197, 1, (*_SINCE_550, *_SINCE_570, *_SINCE_595)),
    "550": Branch("550.163.01", 228, 2, (*_SINCE_570, *_SINCE_595)),
    "570": Branch("570.172.08", 269, 2, _SINCE_595),
    "580": Branch("580.105.08", 274, 3, _SINCE_595),
    "595": Branch("595.58.03", 296, 3),
}


def build(branch: str, lacking: Iterable[str] = ()) -> Path:
    """Return a folder with a library of this branch for LD_LIBRARY_PATH, compiled once per process.

    `lacking` names functions that are to be missing beyond those of the branch.
    """
    return _build(branch, tuple(sorted(lacking)))


@functools.cache
def _build(branch: str, lacking: tuple[str, ...]) -> Path:
    made = Path(_session_folder().name) / "-".join([branch, *lacking])
    made.mkdir()
    known = BRANCHES[branch]
    hidden = "".join(f"{name}; " for name in sorted({*known.lacks, *lacking}))
    script = made / "symbols"
    script.write_text(f"{{ global: nvml*; {hidden and f'local: {hidden}'}}};\n", encoding="ascii")
    library = made / f"libnvidia-ml.so.{known.version}"
    words = [
        *(str(COMPILER), "-shared", "-fPIC", "-O1", "-Wall", "-Werror", f"-Wl,--version-script={script}"),
        *(f"-DFIELD_LIMIT={known.field_limit}", f"-DFABRIC_VERSION={known.fabric_version}"),
        *("-o", str(library), str(SOURCE)),
    ]
    subprocess.run(words, check=True)
    (made / SONAME).symlink_to(library.name)
    return made


@functools.cache
def build_cuda() -> Path:
    """Return a folder with a `libcuda.so.1`, whose GPUs are those of the NVML stand-in's state file."""
    made = Path(_session_folder().name) / "cuda"
    made.mkdir()
    words = [*(str(COMPILER), "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-Wno-unused-function")]
    subprocess.run([*words, "-o", str(made / "libcuda.so.1"), str(SOURCE.with_name("cuda.c"))], check=True)
    return made


@functools.cache
def _session_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that goes away with this process."""
    return tempfile.TemporaryDirectory(prefix="edgectl-nvml-")
