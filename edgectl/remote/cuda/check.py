"""Does every GPU compute, how fast is its memory, and does what one GPU reads from another arrive?"""

from __future__ import annotations

import ctypes
from array import array
from typing import Any, Dict, List

from edgectl.remote.cuda.driver import Cuda, CudaError, Gpu

_COUNT = 65_536
# Far beyond every cache (RTX PRO 6000: 128 MiB of L2), and no more than a quarter of what is free.
_COPY_BYTES = 1 << 30
_COPIES = 10
_HOST_BYTES = 256 << 20
_SHARE = 4
_GB = 1e9


def check(expected: int) -> List[Dict[str, Any]]:
    """Return `uuid`, `memory_gbs`, `to_gpu_gbs`, `from_gpu_gbs` and `peers` of every GPU.

    Bandwidths are in 10^9 bytes per second; memory's counts what is read and what is written. `peers` are the GPUs
    whose memory this one reads itself. Raises `CudaError` where a GPU is missing or computes wrongly.
    """
    cuda = Cuda()
    gpus = cuda.gpus()
    if len(gpus) != expected:
        raise CudaError(
            f"CUDA sees {len(gpus)} GPUs, {expected} are in the node: is MIG on, or one of them held back?"
        )
    for gpu in gpus:
        compute(gpu)
    return [{**_speeds(gpu), "peers": [other.uuid for other in gpus if _reads(gpu, other)]} for gpu in gpus]


def compute(gpu: Gpu) -> None:
    """Add two arrays on the GPU and compare every number of the sum."""
    left, right = _numbers(1), _numbers(7)
    wanted = array("I", [(a + b) & 0xFFFFFFFF for a, b in zip(left, right)])
    here = [_placed(gpu, one) for one in (left, right, array("I", bytes(4 * _COUNT)))]
    _add(gpu, *here)
    if gpu.read(here[2], 4 * _COUNT) != wanted.tobytes():
        raise CudaError(f"{gpu.uuid} computes wrongly: the sum of two arrays is another one")
    for one in here:
        gpu.released(one)


def _numbers(step: int) -> array[int]:
    return array("I", [(number * 2_654_435_761 * step) & 0xFFFFFFFF for number in range(_COUNT)])


def _placed(gpu: Gpu, numbers: array[int]) -> ctypes.c_uint64:
    address = gpu.allocated(4 * _COUNT)
    gpu.write(address, numbers.tobytes())
    return address


def _add(gpu: Gpu, left: ctypes.c_uint64, right: ctypes.c_uint64, total: ctypes.c_uint64) -> None:
    gpu.launch("add", _COUNT, left, right, total, ctypes.c_uint32(_COUNT))
    gpu.finish()


def _speeds(gpu: Gpu) -> Dict[str, Any]:
    size = min(_COPY_BYTES, gpu.free_bytes() // _SHARE)
    source, target = gpu.allocated(size), gpu.allocated(size)
    gpu.on("cuMemsetD8_v2", source, ctypes.c_ubyte(0x5A), ctypes.c_size_t(size))
    inside = _best(
        gpu, size, lambda: gpu.on("cuMemcpyDtoDAsync_v2", target, source, ctypes.c_size_t(size), None)
    )
    size = min(_HOST_BYTES, size)
    host = ctypes.c_void_p()
    gpu.on("cuMemAllocHost_v2", ctypes.byref(host), ctypes.c_size_t(size))
    to_gpu = _best(
        gpu, size, lambda: gpu.on("cuMemcpyHtoDAsync_v2", source, host, ctypes.c_size_t(size), None)
    )
    from_gpu = _best(
        gpu, size, lambda: gpu.on("cuMemcpyDtoHAsync_v2", host, source, ctypes.c_size_t(size), None)
    )
    gpu.on("cuMemFreeHost", host)
    for one in (source, target):
        gpu.released(one)
    return {
        "uuid": gpu.uuid,
        "memory_gbs": round(2 * inside, 1),
        "to_gpu_gbs": round(to_gpu, 1),
        "from_gpu_gbs": round(from_gpu, 1),
    }


def _best(gpu: Gpu, size: int, copy: Any) -> float:
    """Return the rate of the fastest copy, in 10^9 bytes per second; what slows one down is not the memory."""
    return max(size / gpu.seconds(copy) for _ in range(_COPIES)) / _GB


def _reads(gpu: Gpu, other: Gpu) -> bool:
    """Let a GPU add numbers that lie in another's memory; a bridge that redirects makes this hang, or lie."""
    if gpu is other or not gpu.reaches(other):
        return False
    left, right = _numbers(3), _numbers(5)
    wanted = array("I", [(a + b) & 0xFFFFFFFF for a, b in zip(left, right)])
    there, here, total = _placed(other, left), _placed(gpu, right), gpu.allocated(4 * _COUNT)
    _add(gpu, there, here, total)
    if gpu.read(total, 4 * _COUNT) != wanted.tobytes():
        raise CudaError(f"{gpu.uuid} reads other numbers from {other.uuid} than lie there")
    other.released(there)
    gpu.released(here)
    gpu.released(total)
    return True
