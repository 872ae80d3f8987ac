"""A public key from the web, as deb822_repository and authorized_key may name one."""

from __future__ import annotations

# A bundle of keys of a distribution has some ten KiB.
LIMIT_BYTES = 1024 * 1024
_FOUND = 200
_TIMEOUT_S = 30


def refusal(name: str, address: str) -> str:
    """Return why an argument's address cannot be used, or an empty text."""
    if address.startswith("https://") or "://" not in address:
        return ""
    return f"'{name}' is fetched over https alone: whoever is in between would choose the key"


def fetched(address: str) -> bytes:
    """Return what is there. `ValueError` where it cannot be had."""
    from edgectl.remote.tasks import _http  # it brings urllib along

    with _http.opened(_http.Request(address, timeout_s=_TIMEOUT_S)) as answer:
        if answer.status != _FOUND:
            raise ValueError(
                f"cannot fetch the key from {_http.masked(address)}: {answer.problem or answer.msg}"
            )
        content = answer.read_text()
    if len(content) > LIMIT_BYTES:
        raise ValueError(f"{_http.masked(address)} is {len(content)} bytes long and no key")
    return content
