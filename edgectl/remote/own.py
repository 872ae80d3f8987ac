"""A playbook's own modules at the host: their code came with the job."""

from __future__ import annotations
import __future__

import sys

from edgectl.remote import registry
from edgectl.remote.lean import Any, Dict

_PACKAGE = "edgectl_own"


def take_in(sources: Dict[str, str]) -> None:
    """Let the registry know these modules by their names."""
    for name, source in sources.items():
        registry.OWN[name] = made(name, source, f"modules/{name}.py")


def made(name: str, source: str, path: str) -> Any:
    """Run a module's code and return the module; `path` is what tracebacks name. Raises whatever the code raises."""
    full = f"{_PACKAGE}.{name}"
    module = type(sys)(full)
    module.__file__ = path
    sys.modules[full] = module
    # Arguments are declared by annotations as text, whether or not their writer thought of it.
    code = compile(source, path, "exec", __future__.annotations.compiler_flag, dont_inherit=True)
    exec(code, module.__dict__)  # noqa: S102 - it is a module
    return module
