"""Origins of models and images over HTTP, read by the code that hosts read them with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from edgectl.clock import SystemClock
from edgectl.engine.web import Content, Page
from edgectl.errors import MissingError
from edgectl.ops.deploy.origins import Origins
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.remote.tasks import _http
from edgectl.remote.tasks._logins import BEARER, Login
from edgectl.remote.tasks._pieces import Marking, each_bytes, written
from edgectl.secret import SecretSource
from edgectl.settings import Settings

_TIMEOUT_S = 30.0
_WRONG = 400


_HUB = "https://huggingface.co"


def origins(settings: Settings, path: Path, spec: ServiceSpec) -> Origins:
    """Return where its names are looked up: with its logins, HF_TOKEN, at HF_ENDPOINT and AWS_ENDPOINT_URL_S3."""
    said = settings.environment
    secrets = SecretSource(said)
    hub = {"hf://": Login(BEARER, (said["HF_TOKEN"],))} if said.get("HF_TOKEN") else {}
    return Origins(
        web=HttpWeb(),
        folder=path.parent,
        clock=SystemClock(),
        hub=(said.get("HF_ENDPOINT") or _HUB).rstrip("/"),
        s3=said.get("AWS_ENDPOINT_URL_S3") or said.get("AWS_ENDPOINT_URL") or "",
        logins=hub | {name: login.value(name, secrets) for name, login in spec.logins.items()},
    )


class HttpWeb:
    """The Web port on urllib."""

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Page:
        """Return a small page, whatever its status is."""
        with _http.opened(_request(url, headers)) as answer:
            _refuse(answer, least_wrong=None)
            try:
                return Page(answer.status, answer.headers, answer.read_text())
            except (ValueError, *_http.BROKEN) as error:
                raise MissingError(f"{_http.masked(url)}: {error}") from None

    def size(self, url: str, headers: Mapping[str, str] | None = None) -> int | None:
        """Return how large a file is, None where the server does not say."""
        with _http.opened(_request(url, headers, method="HEAD")) as answer:
            _refuse(answer)
            said = answer.headers.get("content-length", "")
        return int(said) if said.isdigit() else None

    def beginning(self, url: str, count: int, headers: Mapping[str, str] | None = None) -> bytes:
        """Return at most so many of a file's first bytes."""
        ranged = {**(headers or {}), "Range": f"bytes=0-{count - 1}"}
        with _http.opened(_request(url, ranged)) as answer:
            _refuse(answer)
            try:
                raw: bytes = answer.stream.read(count)
            except _http.BROKEN as error:
                raise MissingError(f"{_http.masked(url)}: {error}") from None
        return raw

    def digest(self, url: str, headers: Mapping[str, str] | None = None) -> Content:
        """Read a file once, however large, and return what it is."""
        running, size = hashlib.sha256(), 0
        with _http.opened(_request(url, headers)) as answer:
            _refuse(answer)
            said = answer.headers.get("content-length", "")
            marking = Marking(each_bytes(int(said) if said.isdigit() else 0))

            def take(chunk: bytes) -> None:
                nonlocal size
                running.update(chunk)
                marking.take(chunk)
                size += len(chunk)

            problem = answer.copy_to(take)
        if problem:
            raise MissingError(f"{_http.masked(url)}: {problem}")
        return Content(running.hexdigest(), size, written(marking.pieces()) if said.isdigit() else "")


def _request(url: str, headers: Mapping[str, str] | None, method: str = "GET") -> _http.Request:
    return _http.Request(url, method, dict(headers or {}), timeout_s=_TIMEOUT_S)


def _refuse(answer: _http.Answer, least_wrong: int | None = _WRONG) -> None:
    """Raise `MissingError` where there was no answer, or one that says that there is nothing."""
    if answer.problem:
        raise MissingError(answer.problem)
    if least_wrong is not None and answer.status >= least_wrong:
        raise MissingError(f"{_http.masked(answer.url)}: the server answers {answer.status}")
