"""One file per module: a frozen `Args` and `run(args, context)`. Each is listed by hand in `remote/registry.py`."""
