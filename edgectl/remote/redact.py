"""Takes secrets out of whatever a task says, before anybody writes it down."""

from __future__ import annotations

from edgectl.remote.lean import Any, Dict, Iterator

# Below this a line of a longer secret, or a number, is too likely to be something else.
_TELLING = 8
_TELLING_NUMBER = 4
# What a URL has as it is (RFC 3986, section 2.3).
_UNQUOTED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


class Redaction:
    """Replaces each secret by its name in brackets, in every text of a value."""

    def __init__(self, secrets: Dict[str, str]) -> None:
        forms = {form: f"[{name}]" for name, value in secrets.items() for form in _forms(value)}
        # The longest first: a secret may be a part of another one.
        self._forms = sorted(forms.items(), key=lambda form: -len(form[0]))

    def __call__(self, value: Any) -> Any:
        """Return the value without secrets; what is no plain data becomes its text."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, dict):
            return {self._key(key): self(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self(item) for item in value]
        if isinstance(value, (int, float)):
            text = str(value)
            is_secret = len(text) >= _TELLING_NUMBER and any(text == form for form, _ in self._forms)
            return self._text(text) if is_secret else value
        return self._text(str(value))

    def _key(self, key: Any) -> Any:
        """Redact a key that somebody made of a secret, and none that happens to be a word such as `rc`."""
        return self._text(key) if isinstance(key, str) and len(key) >= _TELLING else key

    def _text(self, text: str) -> str:
        for form, name in self._forms:
            text = text.replace(form, name)
        return text


def _forms(value: str) -> Iterator[str]:
    """Yield a secret as it is, as JSON, a URL and base64 have it, and its lines where it has several."""
    if not value:
        return
    yield value
    import json

    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    raw = value.encode(errors="surrogateescape")
    for kept in (_UNQUOTED, _UNQUOTED + b"/", _UNQUOTED + b" "):
        quoted = "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in raw)
        yield quoted.replace(" ", "+")
    yield from (form for form in _in_base64(raw) if len(form) >= _TELLING)
    for line in value.splitlines():
        if len(line.strip()) >= _TELLING:
            yield line.strip()


def _in_base64(raw: bytes) -> Iterator[str]:
    """Yield a secret as base64 has it, alone and within more: where it begins in three bytes decides how it looks."""
    from binascii import b2a_base64

    yield b2a_base64(raw, newline=False).decode()
    for before in range(3):
        text = b2a_base64(bytes(before) + raw, newline=False).decode()
        inside = text[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield from (inside, inside.translate({43: "-", 47: "_"}))
