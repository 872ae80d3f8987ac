"""JSON as it travels and is journaled: by the C parts of `json`, without its Python parts.

`import json` compiles regular expressions for what the C parts do by themselves: 7 of the 46 ms of CPU that a host
needed for a job.
"""

from __future__ import annotations

from _json import encode_basestring_ascii, make_encoder, make_scanner

from edgectl.remote.lean import Any, Callable


class _Reading:
    """What the scanner asks of its decoder, with the answers of `json.loads`."""

    strict = True
    object_hook = object_pairs_hook = array_hook = None
    parse_float = parse_constant = float
    parse_int = int


def dumps(value: Any, default: Callable[[Any], Any] | None = None) -> str:
    """Return JSON in one line, all ASCII; `default` says what to write for what is no JSON."""
    encode = make_encoder({}, default or _refuse, encode_basestring_ascii, None, ":", ",", False, False, True)
    return "".join(encode(value, 0))


def loads(text: str | bytes) -> Any:
    """Return what JSON in a text or in UTF-8 means; `ValueError` where it is none."""
    text = (text if isinstance(text, str) else text.decode()).strip(" \t\r\n")
    try:
        value, end = make_scanner(_Reading)(text, 0)  # type: ignore[arg-type]  # anything with these names will do
    except (StopIteration, SystemError):
        # The scanner looks for its exception in `json.decoder`, and says SystemError where nobody imported that.
        import json

        return json.loads(text)
    if end != len(text):
        raise ValueError(f"more than JSON at character {end} of {text[:80]!r}")
    return value


def _refuse(value: Any) -> Any:
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")
