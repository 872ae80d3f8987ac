"""Texts from hosts, made safe for a terminal."""

from __future__ import annotations

import re

# All but newline and tab; among them are what moves a terminal's cursor and what some take for a line's end.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Return a text whose control characters are seen and not obeyed: a host may say anything."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
