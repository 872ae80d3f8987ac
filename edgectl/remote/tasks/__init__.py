"""One file per module: a frozen `Args` and `run(args, context)`; each is listed in `remote/registry.py`."""
