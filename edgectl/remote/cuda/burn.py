"""Load every GPU at once, for as long as asked, and compare every number it computes with what it computed first."""

from __future__ import annotations

import ctypes
import time
from typing import Any, Dict, List

from edgectl.remote.cuda.driver import Cuda, Gpu

# Of what is free, for each of two arrays.
_SHARE = 0.45
_MOST = 1 << 30  # numbers: 4 GiB an array
_TRIAL_ROUNDS = 256
_PASS_S = 0.5


class _Burning:
    """One GPU at work."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self._count = int(min(_MOST, gpu.free_bytes() * _SHARE / 4))
        self._first, self._again = (gpu.allocated(4 * self._count) for _ in range(2))
        self._wrong = gpu.allocated(4)
        gpu.on("cuMemsetD32_v2", self._wrong, ctypes.c_uint32(0), ctypes.c_size_t(1))
        self._fill(self._first, 1)  # the first launch translates the program, which is no measure of the GPU
        gpu.finish()
        trial_s = gpu.seconds(lambda: self._fill(self._first, _TRIAL_ROUNDS))
        self._rounds = max(_TRIAL_ROUNDS, int(_TRIAL_ROUNDS * _PASS_S / max(trial_s, 1e-6)))
        self._fill(self._first, self._rounds)
        gpu.finish()
        self.passes = 0

    def _fill(self, out: ctypes.c_uint64, rounds: int) -> None:
        self._gpu.launch("burn", self._count, out, ctypes.c_uint32(self._count), ctypes.c_uint32(rounds))

    def begin(self) -> None:
        """Put one pass on the GPU."""
        self._fill(self._again, self._rounds)
        count = ctypes.c_uint32(self._count)
        self._gpu.launch("differ", self._count, self._first, self._again, self._wrong, count)

    def end(self) -> None:
        """Wait for it."""
        self._gpu.finish()
        self.passes += 1

    def told(self) -> Dict[str, Any]:
        """Return what came of it."""
        wrong = int.from_bytes(self._gpu.read(self._wrong, 4), "little")
        return {"uuid": self._gpu.uuid, "passes": self.passes, "numbers": self._count, "wrong": wrong}


def burn(seconds: float) -> List[Dict[str, Any]]:
    """Return of each GPU how often it computed how many `numbers`, and how many of all were `wrong`."""
    burning = [_Burning(gpu) for gpu in Cuda().gpus()]
    until = time.monotonic() + seconds
    while True:
        for one in burning:
            one.begin()
        for one in burning:
            one.end()
        if time.monotonic() >= until:
            return [one.told() for one in burning]
