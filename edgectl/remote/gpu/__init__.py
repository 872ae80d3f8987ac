"""What a node says about its GPUs: NVML, else `nvidia-smi -q -x`, else the kernel alone. Nothing is changed.

Each source is a file of its own, imported only where it is used: what is not imported is not compiled at the
host. Nothing here waits for the driver in the task's own process, because a sick GPU can hold it for good.
"""
