"""HTTP for get_url, uri and apt, on urllib: redirects, credentials and certificates as Ansible has them."""

from __future__ import annotations

import base64
import contextlib
import email.message
import email.utils
import http.client
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request

from edgectl.remote.lean import Any, Callable, Iterator, NamedTuple

_CHUNK_BYTES = 1024 * 1024
# An answer that is to be read into memory, parsed and reported.
TEXT_LIMIT_BYTES = 8 * 1024 * 1024
_AGENT = "edgectl"
_SAFE_METHODS = ("GET", "HEAD")
_SEE_OTHER = 303
_FOR_ONE_HOST = ("authorization", "x-amz-security-token")
# What a connection that ends too early raises while its answer is read.
BROKEN = (OSError, http.client.HTTPException)


class Request(NamedTuple):
    """One request; credentials may also stand in the URL."""

    url: str
    method: str = "GET"
    headers: dict[str, str] | None = None
    body: bytes | None = None
    timeout_s: float = 10
    username: str | None = None
    password: str | None = None
    force_basic_auth: bool = False
    validate_certs: bool = True
    ca_path: str | None = None
    use_proxy: bool = True
    follow_redirects: str = "urllib2"
    modified_since: float | None = None


class Answer(NamedTuple):
    """The answer; `status` is -1 and `problem` says why where there was none."""

    status: int
    url: str
    headers: dict[str, str]
    msg: str
    problem: str
    stream: Any

    def read_text(self) -> bytes:
        """Return the body; `ValueError` where it is too long to be held."""
        raw: bytes = self.stream.read(TEXT_LIMIT_BYTES + 1) if self.stream is not None else b""
        if len(raw) > TEXT_LIMIT_BYTES:
            raise ValueError(f"the answer is longer than {TEXT_LIMIT_BYTES} bytes: use 'dest'")
        return raw

    def copy_to(self, write: Callable[[bytes], Any]) -> str:
        """Hand on the body piece by piece; return why it is not whole, or an empty text."""
        received = 0
        try:
            for chunk in iter(lambda: self.stream.read(_CHUNK_BYTES), b""):
                write(chunk)
                received += len(chunk)
        except BROKEN as error:
            return f"the connection broke after {received} bytes: {error}"
        length = self.headers.get("content-length", "")
        if length.isdigit() and int(length) != received:
            return f"the connection ended after {received} of {length} bytes"
        return ""


@contextlib.contextmanager
def opened(request: Request) -> Iterator[Answer]:
    """Send a request and give its answer, whose body is still to be read."""
    url, username, password = _credentials(request)
    headers = {"User-Agent": _AGENT, **(request.headers or {})}
    if username is not None and request.force_basic_auth:
        secret = base64.b64encode(f"{username}:{password or ''}".encode()).decode()
        headers["Authorization"] = f"Basic {secret}"
    if request.modified_since is not None:
        headers["If-Modified-Since"] = email.utils.formatdate(request.modified_since, usegmt=True)
    # Which URL is the operator's choice, file: included, as with Ansible.
    asked = urllib.request.Request(url, request.body, headers, method=request.method)  # noqa: S310
    with contextlib.ExitStack() as stack:
        try:
            stream = _opener(request, url, username, password).open(asked, timeout=request.timeout_s)
        except urllib.error.HTTPError as error:
            stream = error
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            yield Answer(-1, url, {}, str(reason), f"{masked(url)} does not answer: {reason}", None)
            return
        stack.enter_context(contextlib.closing(stream))
        yield _answer(stream)


def _credentials(request: Request) -> tuple[str, str | None, str | None]:
    parts = urllib.parse.urlsplit(request.url)
    if request.username is not None or parts.username is None:
        return request.url, request.username, request.password
    host = parts.netloc.rpartition("@")[2]
    bare = urllib.parse.urlunsplit(parts._replace(netloc=host))
    return bare, urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")


def masked(url: str) -> str:
    """Return a URL that may be shown: without credentials."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def basename(url: str) -> str:
    """Return the file that a URL names."""
    name = urllib.parse.unquote(urllib.parse.urlsplit(url).path).rpartition("/")[2]
    return name or "index.html"


def path_for(dest: str, answer: Answer) -> str:
    """Return the path for an answer's body: `dest`, or in that folder what the server or the URL calls it."""
    if not os.path.isdir(dest):
        return dest
    message = email.message.Message()
    message["content-disposition"] = answer.headers.get("content-disposition", "")
    named = message.get_filename() or ""
    return os.path.join(dest, os.path.basename(named) or basename(answer.url))


def _answer(stream: Any) -> Answer:
    headers = {name.lower(): value for name, value in stream.headers.items()}
    status = getattr(stream, "status", None) or 200  # file: has none
    reason = getattr(stream, "reason", None) or getattr(stream, "msg", "") or "OK"
    length = headers.get("content-length", "unknown")
    is_error = isinstance(stream, urllib.error.HTTPError)
    msg = f"HTTP Error {status}: {reason}" if is_error else f"OK ({length} bytes)"
    return Answer(int(status), stream.geturl(), headers, msg, "", stream)


def _opener(request: Request, url: str, username: str | None, password: str | None) -> Any:
    context = ssl.create_default_context(cafile=request.ca_path)
    if not request.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    handlers: list[Any] = [urllib.request.HTTPSHandler(context=context), _redirects(request.follow_redirects)]
    if not request.use_proxy:
        handlers.append(urllib.request.ProxyHandler({}))
    if username is not None and not request.force_basic_auth:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, url, username, password or "")
        handlers += [urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)]
    return urllib.request.build_opener(*handlers)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows by one of Ansible's policies: all, none, safe (only what reads), urllib2 (as Python would)."""

    policy = "urllib2"

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        del fp, msg, headers
        method = req.get_method()
        if self.policy == "none" or (self.policy == "safe" and method not in _SAFE_METHODS):
            return None
        if self.policy == "urllib2" and method not in (*_SAFE_METHODS, "POST"):
            return None
        keeps = method == "HEAD" or (code != _SEE_OTHER and self.policy == "all")
        sent = {
            name: value
            for name, value in req.headers.items()
            if name.lower() not in ("content-length", "host")
        }
        if not keeps:
            sent = {name: value for name, value in sent.items() if not name.lower().startswith("content-")}
        was_private = req.full_url.startswith("https:") and not newurl.startswith("https:")
        if was_private or _host(newurl) != _host(req.full_url):
            sent = {name: value for name, value in sent.items() if name.lower() not in _FOR_ONE_HOST}
        return urllib.request.Request(  # noqa: S310 - urllib lets redirects lead to the web only
            newurl.replace(" ", "%20"),
            data=req.data if keeps else None,
            headers=sent,
            origin_req_host=req.origin_req_host,
            unverifiable=True,
            method=method if keeps else "GET",
        )

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc.rpartition("@")[2]


def _redirects(policy: str) -> _Redirects:
    handler = _Redirects()
    handler.policy = {"yes": "all", "no": "none"}.get(policy, policy)
    return handler
