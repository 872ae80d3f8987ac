"""NVIDIA's driver library, `libcuda.so.1`, as far as our programs need it.

A call may hang, so all of this runs in a process of its own, with a deadline.
Names and arguments are those of cuda.h; those with `_v2` are what that header's plain names have meant since CUDA 4.
"""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Dict, List

from edgectl.remote.cuda.kernels import PTX

LIBRARY = "libcuda.so.1"
THREADS = 256  # per block: a multiple of the warp's 32 that every GPU takes


class CudaError(RuntimeError):
    """A call that did not succeed, in the driver's words."""


class Cuda:
    """The library, initialised."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(LIBRARY)
        except OSError:
            raise CudaError(f"{LIBRARY} is not there: the driver's CUDA part is not installed") from None
        self.call("cuInit", 0)

    def call(self, name: str, *arguments: Any) -> None:
        """Make a call, or raise `CudaError`."""
        code = getattr(self._library, name)(*arguments)
        if code:
            raise CudaError(f"{name}: {self._words(code)}")

    def count(self) -> int:
        """Return how many GPUs CUDA sees."""
        found = ctypes.c_int()
        self.call("cuDeviceGetCount", ctypes.byref(found))
        return found.value

    def gpus(self) -> List[Gpu]:
        """Return every GPU with a context on it."""
        return [Gpu(self, index) for index in range(self.count())]

    def _words(self, code: int) -> str:
        said = ctypes.c_char_p()
        self._library.cuGetErrorString(code, ctypes.byref(said))
        return f"{(said.value or b'unknown error').decode('ascii', 'replace')} ({code})"


class Gpu:
    """One GPU: its memory, and our kernels on it. Sizes are bytes, addresses numbers."""

    def __init__(self, cuda: Cuda, index: int) -> None:
        self._cuda = cuda
        self.device = ctypes.c_int()
        cuda.call("cuDeviceGet", ctypes.byref(self.device), index)
        self.uuid = self._uuid()
        self.context = ctypes.c_void_p()
        cuda.call("cuDevicePrimaryCtxRetain", ctypes.byref(self.context), self.device)
        self._kernels: Dict[str, Any] = {}

    def _uuid(self) -> str:
        raw = (ctypes.c_ubyte * 16)()
        self._cuda.call("cuDeviceGetUuid", raw, self.device)
        text = bytes(raw).hex()
        return "GPU-" + "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])

    def on(self, name: str, *arguments: Any) -> None:
        """Make a call on this GPU."""
        self._cuda.call("cuCtxSetCurrent", self.context)
        self._cuda.call(name, *arguments)

    def free_bytes(self) -> int:
        """Return how much memory nobody has taken."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.on("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value

    def allocated(self, size: int) -> ctypes.c_uint64:
        """Return the address of memory on the GPU; it goes with this process."""
        address = ctypes.c_uint64()
        self.on("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address

    def released(self, address: ctypes.c_uint64) -> None:
        """Give memory back."""
        self.on("cuMemFree_v2", address)

    def write(self, address: ctypes.c_uint64, content: bytes) -> None:
        """Copy from here to the GPU."""
        self.on("cuMemcpyHtoD_v2", address, ctypes.c_char_p(content), ctypes.c_size_t(len(content)))

    def read(self, address: ctypes.c_uint64, size: int) -> bytes:
        """Copy from the GPU to here."""
        content = ctypes.create_string_buffer(size)
        self.on("cuMemcpyDtoH_v2", content, address, ctypes.c_size_t(size))
        return content.raw

    def launch(self, kernel: str, count: int, *arguments: Any) -> None:
        """Run a kernel with a thread for each of `count` numbers; it has not ended when this returns."""
        if not self._kernels:
            self._load()
        places = [ctypes.cast(ctypes.pointer(argument), ctypes.c_void_p) for argument in arguments]
        given = (ctypes.c_void_p * len(places))(*places)
        blocks = (count + THREADS - 1) // THREADS
        self.on("cuLaunchKernel", self._kernels[kernel], blocks, 1, 1, THREADS, 1, 1, 0, None, given, None)

    def _load(self) -> None:
        module = ctypes.c_void_p()
        self.on("cuModuleLoadData", ctypes.byref(module), ctypes.c_char_p(PTX.encode("ascii")))
        for name in ("add", "burn", "differ"):
            found = ctypes.c_void_p()
            self.on("cuModuleGetFunction", ctypes.byref(found), module, name.encode("ascii"))
            self._kernels[name] = found

    def finish(self) -> None:
        """Wait until all that was launched has ended."""
        self.on("cuCtxSynchronize")

    def seconds(self, action: Callable[[], None]) -> float:
        """Return how long the GPU took for what `action` puts on it, by the GPU's own clock."""
        began, ended = self._event(), self._event()
        self.on("cuEventRecord", began, None)
        action()
        self.on("cuEventRecord", ended, None)
        self.on("cuEventSynchronize", ended)
        took_ms = ctypes.c_float()
        self.on("cuEventElapsedTime", ctypes.byref(took_ms), began, ended)
        return took_ms.value / 1000

    def _event(self) -> ctypes.c_void_p:
        event = ctypes.c_void_p()
        self.on("cuEventCreate", ctypes.byref(event), 0)
        return event

    def reaches(self, other: Gpu) -> bool:
        """Tell whether this GPU's programs may read the other's memory, and open the way."""
        can = ctypes.c_int()
        self._cuda.call("cuDeviceCanAccessPeer", ctypes.byref(can), self.device, other.device)
        if can.value:
            self.on("cuCtxEnablePeerAccess", other.context, 0)
        return bool(can.value)
