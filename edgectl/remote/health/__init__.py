"""What a node says about its health besides its GPUs: itself, its DPUs and ports, its kernel log. Only read.

Whatever may wait for hardware that is gone (file systems, the firmware behind a network card) is asked in a
process of its own, with a deadline.
"""
