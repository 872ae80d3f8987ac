"""An error on its way between the lab's processes: it arrives as the error it was."""

from __future__ import annotations

from edgectl.errors import BusyError, EdgectlError, InputError, MissingError
from edgectl.lab import wire

_KINDS = {kind.exit_code: kind for kind in (EdgectlError, BusyError, InputError, MissingError)}


def pack(error: Exception) -> wire.Packet:
    """Return the answer that says so."""
    known = error if isinstance(error, EdgectlError) else EdgectlError(str(error))
    return {"error": known.message, "hint": known.hint, "code": int(known.exit_code)}


def unpack(answer: wire.Packet) -> wire.Packet:
    """Return an answer that is no error; raises the error that one is."""
    if "error" in answer:
        kind = _KINDS.get(answer["code"], EdgectlError)
        raise kind(answer["error"], hint=answer["hint"])
    return answer
