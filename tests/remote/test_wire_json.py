"""JSON by the C parts alone, beside `json` itself."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.remote.wire_json import dumps, loads
from tests.remote.bundled import every_python, python_says

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_what_json_writes_and_reads(value: object) -> None:
    text = dumps(value)

    assert text == json.dumps(value, separators=(",", ":"))
    assert loads(text) == value
    assert loads(text.encode()) == value


@given(st.text())
def test_a_text_means_what_json_says_or_is_refused_like_there(text: str) -> None:
    try:
        meant = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            loads(text)
    else:
        assert json.dumps(loads(text)) == json.dumps(meant)  # NaN is not equal to itself


@pytest.mark.parametrize("version", every_python())
@pytest.mark.parametrize("text", ["", "{", "[1,]", '{"a": 1} x', '"\x01"', "nope", "{1: 2}"])
def test_what_is_no_json_is_refused_under_every_python(version: str, text: str) -> None:
    asked = f"""
from edgectl.remote.wire_json import loads
try:
    print(loads({text!r}))
except ValueError:
    print("refused")
"""
    assert python_says(version, asked) == "refused"


def test_what_is_no_json_value_is_written_as_the_caller_says_or_refused() -> None:
    assert dumps({"a": {1}}, default=str) == '{"a":"{1}"}'
    with pytest.raises(TypeError, match="set"):
        dumps({1})
