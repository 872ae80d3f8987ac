from __future__ import annotations

import pytest

from edgectl.errors import BusyError, EdgectlError, ExitCode, InputError, MissingError
from edgectl.lab.complaint import pack, unpack


@pytest.mark.parametrize("kind", [BusyError, InputError, MissingError, EdgectlError])
def test_an_error_arrives_as_the_error_it_was(kind: type[EdgectlError]) -> None:
    with pytest.raises(kind, match="no luck") as caught:
        unpack(pack(kind("no luck", hint="try again")))
    assert (type(caught.value), caught.value.hint) == (kind, "try again")


def test_another_error_arrives_as_one_of_ours() -> None:
    with pytest.raises(EdgectlError, match="no luck") as caught:
        unpack(pack(OSError("no luck")))
    assert caught.value.exit_code is ExitCode.BUG


def test_an_answer_without_an_error_is_the_answer() -> None:
    assert unpack({"hosts": {}}) == {"hosts": {}}
