"""Have apt know a repository by a .sources file, or have it forget one."""

from __future__ import annotations

import os
import re

from edgectl.remote import files, ownership
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass, replace
from edgectl.remote.lean import Any, Literal
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks import _web_key

REPEAT = "idempotent"
_SOURCES = "/etc/apt/sources.list.d"
_KEYRINGS = "/etc/apt/keyrings"
_ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
# What is for us and not for apt.
_OURS = ("mode", "state")


@dataclass(frozen=True)
class Args:
    """Name the repository; what is not given is not written."""

    name: str = arg(doc="What it is called; the file is called after it.")
    state: Literal["absent", "present"] = arg("present", doc="Whether apt should know it.")
    types: list[Literal["deb", "deb-src"]] = arg(factory=lambda: ["deb"], doc="What is fetched from it.")
    uris: list[str] | None = arg(None, doc="Where it is.")
    suites: list[str] | None = arg(None, doc="Its suites; one that ends in / is a path.")
    components: list[str] | None = arg(None, doc="Its components.")
    architectures: list[str] | None = arg(None, doc="Nothing but these architectures.")
    signed_by: str | None = arg(
        None, doc="A keyring at the host, an https address, a fingerprint, or the key."
    )
    enabled: bool | None = arg(None, doc="Whether apt uses it.")
    trusted: bool | None = arg(None, doc="Trust it without a signature.")
    allow_downgrade_to_insecure: bool | None = arg(None, doc="Go on where it has lost its signature.")
    allow_insecure: bool | None = arg(None, doc="Use it without a signature, with a warning.")
    allow_weak: bool | None = arg(None, doc="Take a weak signature.")
    by_hash: bool | None = arg(None, doc="Fetch lists by their digest.")
    check_date: bool | None = arg(None, doc="Compare dates with the host's clock.")
    check_valid_until: bool | None = arg(None, doc="Refuse lists that are out of date.")
    date_max_future: int | None = arg(None, doc="Seconds that a date may be ahead.")
    inrelease_path: str | None = arg(None, doc="Where its InRelease file is.")
    languages: list[str] | None = arg(None, doc="Languages of descriptions.")
    pdiffs: bool | None = arg(None, doc="Fetch differences of lists.")
    targets: list[str] | None = arg(None, doc="What kinds of lists are fetched.")
    mode: Mode = arg("0644", doc="Mode of the file.")

    def __post_init__(self) -> None:
        """Refuse a key that anybody on the way could change."""
        problem = _web_key.refusal("signed_by", self.signed_by or "")
        if problem:
            raise ValueError(problem)


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the file to what is given."""
    slug = re.sub(r"[^a-z0-9-]+", "", re.sub(r"[_\s]+", "-", args.name.lower()))
    if not slug:
        return failed(f"'name' has no letter or digit that could name a file: {args.name!r}")
    path = os.path.join(_SOURCES, f"{slug}.sources")
    if args.state == "absent":
        return _absent(path, slug, context)
    try:
        key, key_differs = _key_file(args, slug, check=context.check)
    except ValueError as error:
        return failed(str(error))
    text = text_of(replace(args, signed_by=key or args.signed_by))
    before = files.read(path)
    values: dict[str, Any] = {"repo": text, "dest": path, "key_filename": key}
    differs = before != text.encode()
    if differs and not context.check:
        os.makedirs(_SOURCES, exist_ok=True)
        files.write_atomically(path, text.encode(), Attributes(args.mode))
    if os.path.exists(path):
        key_differs |= ownership.set_attributes(path, Attributes(args.mode), check=context.check)
    values.update(ownership.described(path) if os.path.exists(path) else {})
    if not differs and not key_differs:
        return TaskResult(values=values)
    diff = files.text_diff(path, before, text.encode()) if context.diff else None
    return TaskResult(changed=True, values=values, diff=diff)


def _key_file(args: Args, slug: str, *, check: bool) -> tuple[str | None, bool]:
    """Return the file of the key, and whether it must be written: what is neither file nor address is in the text."""
    named = args.signed_by
    if named is None or "://" not in named:
        return (named if named is not None and os.path.isfile(named) else None), False
    content = _web_key.fetched(named)
    path = os.path.join(_KEYRINGS, f"{slug}.{'asc' if _ARMOR in content else 'gpg'}")
    differs = files.read(path) != content
    if differs and not check:
        os.makedirs(_KEYRINGS, exist_ok=True)
        files.write_atomically(path, content, Attributes("0644"))
    return path, differs


def _absent(path: str, slug: str, context: TaskContext) -> TaskResult:
    """Remove the file, and the key that Ansible would have put under its name."""
    keys = [os.path.join(_KEYRINGS, f"{slug}.{kind}") for kind in ("asc", "gpg")]
    there = [one for one in (path, *keys) if os.path.lexists(one)]
    for one in there if not context.check else []:
        os.unlink(one)
    return TaskResult(bool(there), values={"repo": None, "dest": path, "key_filename": keys[-1]})


def text_of(args: Args) -> str:
    """Return the file: a field a line, in the order of the arguments' names (deb822(5))."""
    named = {name: getattr(args, name) for name in sorted(args.__dataclass_fields__) if name not in _OURS}
    return "".join(f"{_field(name)}:{_value(value)}\n" for name, value in named.items() if value is not None)


def _field(name: str) -> str:
    if name == "name":
        return "X-Repolib-Name"
    return "URIs" if name == "uris" else name.replace("_", "-").title()


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return " yes" if value else " no"
    if isinstance(value, list):
        return f" {' '.join(value)}"
    lines = str(value).strip().splitlines()
    if len(lines) < 2:  # noqa: PLR2004 - a field of one line
        return f" {str(value).strip()}"
    return "\n" + "\n".join(f"    {line.strip() or '.'}" for line in lines)
