"""Ask a web service."""

from __future__ import annotations

import json
import os
import time

from edgectl.remote import files, ownership
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed, ok
from edgectl.remote.tasks import _http

REPEAT = "once"
_NOT_MODIFIED = 304
_BODY_TYPES = {"json": "application/json", "form-urlencoded": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Args:
    """Name the URL."""

    url: str = arg(doc="What to ask.")
    method: str = arg("GET", doc="How: GET, POST, PUT and so on.")
    body: Any = arg(None, doc="What to send; a mapping or list is encoded by body_format.")
    body_format: Literal["form-urlencoded", "json", "raw"] = arg("raw", doc="How the body is encoded.")
    headers: dict[str, Any] = arg(factory=dict, doc="Headers to send.")
    status_code: list[int] = arg(factory=lambda: [200], doc="Answers that are no failure.")
    return_content: bool = arg(False, doc="Report what was answered, as `content`.")
    timeout: int = arg(30, doc="Seconds without a word after which it gives up.")
    follow_redirects: Literal["all", "no", "none", "safe", "urllib2", "yes"] = arg(
        "safe", doc="Which redirects to follow; safe: where nothing is sent."
    )
    dest: str | None = arg(None, doc="Write the answer to this file, or into this folder.")
    mode: Mode | None = arg(None, doc='Mode of that file, such as "0644".')
    owner: str | None = arg(None, doc="Its owner, by name or number.")
    group: str | None = arg(None, doc="Its group, by name or number.")
    creates: str | None = arg(None, doc="Do nothing where this path exists.")
    removes: str | None = arg(None, doc="Do nothing where this path does not exist.")
    force: bool = arg(False, doc="Fetch to dest even where it was not changed since.")
    url_username: str | None = arg(None, aliases=("user",), doc="Name for the login.")
    url_password: str | None = arg(None, aliases=("password",), doc="Password for the login.")
    force_basic_auth: bool = arg(False, doc="Send them without being asked.")
    validate_certs: bool = arg(True, doc="Refuse certificates that do not hold.")
    ca_path: str | None = arg(None, doc="Certificates to trust, a file at the host.")
    use_proxy: bool = arg(True, doc="Use the proxy of the environment.")

    def __post_init__(self) -> None:
        """Refuse a method that is none."""
        if not self.method.isalpha():
            raise ValueError(f"'method' must be a word such as GET, not {self.method!r}")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Ask, and judge the answer by its status."""
    if context.check:
        return ok("uri does nothing in check mode", skipped=True)
    if args.creates is not None and os.path.exists(files.expanded(args.creates)):
        return ok(stdout=f"skipped, since '{args.creates}' exists")
    if args.removes is not None and not os.path.exists(files.expanded(args.removes)):
        return ok(stdout=f"skipped, since '{args.removes}' does not exist")
    attributes = Attributes(args.mode, args.owner, args.group)
    problem = ownership.complaint(attributes, check=False)
    if problem:
        return failed(problem)
    dest = None if args.dest is None else files.expanded(args.dest)
    began = time.monotonic()
    with _http.opened(_request(args, dest)) as answer:
        try:
            return _judged(args, answer, dest, attributes, began)
        except (ValueError, *_http.BROKEN) as error:
            return failed(f"{_http.masked(args.url)}: {error}", status=answer.status)


def _request(args: Args, dest: str | None) -> _http.Request:
    headers = {name: str(value) for name, value in args.headers.items()}
    if args.body_format in _BODY_TYPES and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = _BODY_TYPES[args.body_format]
    since = None
    if dest is not None and os.path.isfile(dest) and not args.force:
        since = os.path.getmtime(dest)
    return _http.Request(
        url=args.url,
        method=args.method.upper(),
        headers=headers,
        body=_body(args),
        timeout_s=args.timeout,
        username=args.url_username,
        password=args.url_password,
        force_basic_auth=args.force_basic_auth,
        validate_certs=args.validate_certs,
        ca_path=args.ca_path,
        use_proxy=args.use_proxy,
        follow_redirects=args.follow_redirects,
        modified_since=since,
    )


def _body(args: Args) -> bytes | None:
    body = args.body
    if body is None:
        return None
    if args.body_format == "form-urlencoded" and not isinstance(body, str):
        import urllib.parse

        pairs = list(body.items()) if isinstance(body, dict) else [tuple(pair) for pair in body]
        body = urllib.parse.urlencode([pair for pair in pairs if pair[1] is not None], doseq=True)
    elif not isinstance(body, str):
        body = json.dumps(body)
    return str(body).encode()


def _judged(
    args: Args, answer: _http.Answer, dest: str | None, attributes: Attributes, began: float
) -> TaskResult:
    accepted = answer.status in args.status_code
    values: dict[str, Any] = {name.replace("-", "_"): value for name, value in answer.headers.items()}
    values.update(
        status=answer.status,
        url=answer.url,
        redirected=_http.masked(args.url) != answer.url,
        elapsed=int(time.monotonic() - began),
    )
    changed = False
    if dest is not None and accepted:
        path = _http.path_for(dest, answer)
        raw = b"" if answer.status == _NOT_MODIFIED else answer.read_text()
        changed = answer.status != _NOT_MODIFIED and _written(path, raw, attributes)
        values["path"] = path
    else:
        raw = answer.read_text()
    values.update(_content(answer, raw, wanted=args.return_content))
    if not accepted:
        wanted = ", ".join(map(str, args.status_code))
        said = answer.problem or answer.msg
        return failed(f"Status code was {answer.status} and not [{wanted}]: {said}", **values)
    return TaskResult(changed, msg=answer.msg, values=values)


def _written(path: str, content: bytes, attributes: Attributes) -> bool:
    if files.read(path) == content:
        return ownership.set_attributes(path, attributes, check=False)
    files.write_atomically(path, content, attributes)
    return True


def _content(answer: _http.Answer, raw: bytes, *, wanted: bool) -> dict[str, Any]:
    """Return the text where it is wanted, and what it means where it says that it is JSON."""
    kind, _, options = answer.headers.get("content-type", "").partition(";")
    charset = options.partition("charset=")[2].strip().strip('"') or "utf-8"
    try:
        text = raw.decode(charset, "replace")
    except LookupError:
        text = raw.decode("utf-8", "replace")
    found: dict[str, Any] = {"content": text} if wanted else {}
    if kind.strip().lower().endswith(("/json", "+json", "/javascript")):
        try:
            found["json"] = json.loads(text)
        except ValueError:
            return found
    return found
