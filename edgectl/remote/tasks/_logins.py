"""Logins at origins: what a request carries so that its server knows us. The same here and at the hosts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import urllib.parse

from edgectl.remote.lean import Dict, NamedTuple, Tuple

BEARER, BASIC, S3 = "bearer", "basic", "s3"
# How many values each has; all are on lines of their own, since secrets are looked for by line in what is said.
_VALUES = {BEARER: 1, BASIC: 2, S3: 3}
_NOTHING = hashlib.sha256(b"").hexdigest()
_SIGNED = ("host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token")


class Login(NamedTuple):
    """A token; a user and a password; or an S3 key's id, its secret and a session's token ('' for none)."""

    kind: str
    values: Tuple[str, ...]
    region: str = ""


def written(logins: Dict[str, Login]) -> str:
    """Return logins by their names as one text."""
    blocks = [
        "\n".join([f"{name} {login.kind} {login.region}", *login.values]) for name, login in logins.items()
    ]
    return "".join(f"{block}\n" for block in blocks)


def read(text: str) -> Dict[str, Login]:
    """Return the logins in a text."""
    lines = iter(text.splitlines())
    found = {}
    for head in lines:
        if head.startswith("#"):
            continue
        name, kind, region = head.split(" ")
        found[name] = Login(kind, tuple(next(lines) for _ in range(_VALUES[kind])), region)
    return found


def headers(login: Login, method: str, url: str, now_s: float) -> Dict[str, str]:
    """Return what a request carries."""
    if login.kind == BEARER:
        return {"Authorization": f"Bearer {login.values[0]}"}
    if login.kind == BASIC:
        both = base64.b64encode(":".join(login.values).encode()).decode()
        return {"Authorization": f"Basic {both}"}
    return _signed(login, method, url, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s)))


def _signed(login: Login, method: str, url: str, at: str) -> Dict[str, str]:
    """Sign a request without a body for S3: AWS Signature Version 4, in a header."""
    key, secret, session = login.values
    sent = {"x-amz-content-sha256": _NOTHING, "x-amz-date": at}
    if session:
        sent["x-amz-security-token"] = session
    names = ";".join(name for name in _SIGNED if name == "host" or name in sent)
    scope = f"{at[:8]}/{login.region}/s3/aws4_request"
    said = ["AWS4-HMAC-SHA256", at, scope, _digest(_canonical(method, url, sent, names))]
    signing = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        signing = _keyed(signing, part)
    signature = _keyed(signing, "\n".join(said)).hex()
    credential = f"Credential={key}/{scope},SignedHeaders={names},Signature={signature}"
    return {**sent, "Authorization": f"AWS4-HMAC-SHA256 {credential}"}


def _canonical(method: str, url: str, sent: Dict[str, str], names: str) -> str:
    parts = urllib.parse.urlsplit(url)
    path = urllib.parse.quote(urllib.parse.unquote(parts.path) or "/", safe="/~")
    asked = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(asked))
    given = {"host": parts.netloc, **sent}
    lines = [f"{name}:{given[name]}" for name in names.split(";")]
    return "\n".join([method, path, query, *lines, "", names, _NOTHING])


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="~")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
