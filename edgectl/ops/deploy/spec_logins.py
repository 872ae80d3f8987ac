"""Logins at origins and registries, as a specification names them: where each is for, and of which secrets."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Self

from pydantic import StrictStr, model_validator

from edgectl.ops.deploy.spec_care import Secret
from edgectl.ops.deploy.spec_words import Strict
from edgectl.remote.tasks import _logins
from edgectl.secret import Secrets

_HERE = re.compile(r"^http://(?:127\.0\.0\.1|localhost|\[::1\])[:/]")
_REGISTRY = re.compile(r"^[a-z0-9][a-z0-9.-]*(?::\d+)?(?:/[a-z0-9._/-]*)?$")


class Login(Strict):
    """A `token`, a `user` with a `password`, or an S3 `access_key` with its `secret_key` in a `region`.

    A `session` is the token of temporary S3 keys.
    """

    token: Secret | None = None
    user: StrictStr = ""
    password: Secret | None = None
    access_key: Secret | None = None
    secret_key: Secret | None = None
    session: Secret | None = None
    region: StrictStr = "us-east-1"

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [self.token is not None, self.password is not None, self.secret_key is not None]
        whole = (bool(self.user), self.access_key is not None) == (kinds[1], kinds[2])
        if sum(kinds) != 1 or not whole or (self.session is not None and not kinds[2]):
            raise ValueError(
                "a login is a token, a user with a password, or an access_key with its secret_key"
            )
        return self

    @property
    def kind(self) -> str:
        """What it is to a server."""
        if self.token is not None:
            return _logins.BEARER
        return _logins.BASIC if self.password is not None else _logins.S3

    def value(self, name: str, secrets: Secrets) -> _logins.Login:
        """Ask the providers for what it is made of."""
        parts = {
            _logins.BEARER: (self.token,),
            _logins.BASIC: (self.user, self.password),
            _logins.S3: (self.access_key, self.secret_key, self.session or ""),
        }[self.kind]
        values = [
            secrets.value(f"logins.{name}", one.provider) if isinstance(one, Secret) else str(one or "")
            for one in parts
        ]
        return _logins.Login(self.kind, tuple(value.strip() for value in values), self.region)


def misplaced(name: str, login: Login) -> str:
    """Return why a login may not be for a place, or an empty text. Pure."""
    if name.startswith("s3://"):
        return "" if login.kind == _logins.S3 else "s3:// wants an access_key and a secret_key"
    if name.startswith("hf://"):
        return "" if login.kind == _logins.BEARER else "hf:// wants a token"
    if name.startswith(("https://", "http://")):
        if not name.endswith("/"):
            return f"'{name}' ends in the middle of a name: end it with '/'"
        if name.startswith("http://") and login.kind != _logins.S3 and not _HERE.match(name):
            return f"'{name}' would show the secret to everybody on the way: https:// is wanted"
        return ""
    if _REGISTRY.match(name):
        return "" if login.kind == _logins.BASIC else "a registry wants a user and a password"
    return f"'{name}' is no place: hf://, s3://BUCKET/, https://HOST/ or a registry's name"


def login_for(logins: Collection[str], source: str) -> str:
    """Return which login a source is asked with: the one with the longest beginning of its name; '' for none. Pure."""
    return max((name for name in logins if source.startswith(name)), key=len, default="")
