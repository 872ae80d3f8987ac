"""Make sure that a user may log in with a key, or may not."""

from __future__ import annotations

import os
import pwd

from edgectl.remote import files, ownership
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Literal
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks import _web_key
from edgectl.remote.tasks._login_keys import KeyLine, options_of, parsed, written

REPEAT = "idempotent"


@dataclass(frozen=True)
class Args:
    """Name the user and the keys."""

    user: str = arg(doc="The user; one that is not there fails, in check mode too.")
    key: str = arg(doc="The public keys, a line each; or file:///PATH at the host, or an https address.")
    path: str | None = arg(None, doc="The file; ~USER/.ssh/authorized_keys where absent.")
    manage_dir: bool = arg(True, doc="Make the file's folder, and give it to the user alone.")
    state: Literal["absent", "present"] = arg("present", doc="Whether the keys should be there.")
    key_options: str | None = arg(None, doc='What stands before each key, such as no-pty,from="10.0.0.0/8".')
    exclusive: bool = arg(False, doc="No other key may be there.")
    comment: str | None = arg(None, doc="What stands behind each key.")
    follow: bool = arg(False, doc="Where the file is a symbolic link, write to what it points to.")

    def __post_init__(self) -> None:
        """Refuse keys that anybody on the way could change."""
        problem = (
            "" if self.key.startswith("file://") else _web_key.refusal("key", self.key.partition("\n")[0])
        )
        if problem and self.key.startswith("http"):
            raise ValueError(problem)


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the file to the keys that are wanted; what is no key in it stays as it is."""
    try:
        user = pwd.getpwnam(args.user)
    except KeyError:
        if not (context.check and args.path):
            return failed(
                f"there is no user '{args.user}' at this host: create it first, or correct the name"
            )
        user = None
    path = (
        files.expanded(args.path)
        if args.path
        else os.path.join(str(user and user.pw_dir), ".ssh/authorized_keys")
    )
    if args.follow:
        path = os.path.realpath(path)
    if files.is_strangers_link(os.path.dirname(path)):
        return failed(
            f"{os.path.dirname(path)} is a link that its user made, and may lead to another's keys: remove it"
        )
    values = {**{name: getattr(args, name) for name in args.__dataclass_fields__}, "keyfile": path}
    try:
        wanted = _wanted(args)
    except (OSError, ValueError) as error:
        return failed(str(error), **values)
    before = files.read(path)
    found = [
        parsed(line) for line in (before or b"").decode("utf-8", "surrogateescape").splitlines(keepends=True)
    ]
    kept = edited(found, wanted, args)
    if kept == found:
        return TaskResult(values=values)
    after = "".join(map(written, kept)).encode("utf-8", "surrogateescape")
    if not context.check and user is not None:
        _write(path, after, user, args)
    diff = files.text_diff(path, before, after) if context.diff else None
    return TaskResult(changed=True, values=values, diff=diff)


def _wanted(args: Args) -> list[KeyLine]:
    """Return the keys that the task names. `ValueError` for a line that is none."""
    text = args.key
    if text.startswith("file://"):
        with open(text[len("file://") :], encoding="utf-8") as stream:
            text = stream.read()
    elif text.startswith("https://"):
        text = _web_key.fetched(text).decode("utf-8", "replace")
    keys = [parsed(line) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for key in keys:
        if not key.kind:
            raise ValueError(f"invalid key specified: {key.text.strip()}: it has no kind such as ssh-ed25519")
    if args.key_options is not None:
        keys = [key._replace(options=options_of(args.key_options)) for key in keys]
    return keys if args.comment is None else [key._replace(comment=args.comment) for key in keys]


def edited(found: list[KeyLine], wanted: list[KeyLine], args: Args) -> list[KeyLine]:
    """Return the lines as they should be; a key that changes goes to the end, as with Ansible."""
    names = {key.text for key in wanted}
    if args.state == "absent":
        return [line for line in found if not (line.kind and line.text in names)]
    there = {line.text: line for line in found if line.kind}
    same = {key.text for key in wanted if there.get(key.text) == key}
    kept = [line for line in found if line.text in same or not (line.kind and line.text in names)]
    if args.exclusive:
        kept = [line for line in kept if line.text in names]
    new = {key.text: key for key in wanted if key.text not in same}
    return [*kept, *new.values()]


def _write(path: str, content: bytes, user: pwd.struct_passwd, args: Args) -> None:
    """Write the file as sshd wants it: the user's own, and for nobody else."""
    folder = os.path.dirname(path)
    own = Attributes("0700", str(user.pw_uid), str(user.pw_gid))
    if not os.path.isdir(folder):
        os.makedirs(folder, 0o700 if args.manage_dir else 0o755)
    if args.manage_dir:
        ownership.set_attributes(folder, own, check=False)
    with files.Replacing(path, own._replace(mode="0600"), follow=args.follow) as stream:
        stream.write(content)
