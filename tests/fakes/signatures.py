"""What an S3 store does with a signed request: make the signature of what came in, and compare."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import unquote

_SAID = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)"
)
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


def is_signed(method: str, target: str, headers: Mapping[str, str], key: str, secret: str) -> bool:
    """Tell whether a request was signed with a key."""
    said = _SAID.match(headers.get("Authorization", ""))
    if said is None or said[1] != key:
        return False
    path, _, query = target.partition("?")
    escaped = "".join(chr(b) if b in _PLAIN else f"%{b:02X}" for b in unquote(path).encode())
    names = said[4].split(";")
    lines = [method, escaped, query, *(f"{name}:{headers[name].strip()}" for name in names), "", said[4]]
    canonical = "\n".join([*lines, headers["x-amz-content-sha256"]])
    scope = f"{said[2]}/{said[3]}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    sign = f"AWS4{secret}".encode()
    for part in [said[2], said[3], "s3", "aws4_request", text]:
        sign = hmac.digest(sign, part.encode(), "sha256")
    return hmac.compare_digest(sign.hex(), said[5])
