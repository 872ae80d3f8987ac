"""The SSH key of an account, made by ssh-keygen."""

from __future__ import annotations

import os
import socket
import tempfile

from edgectl.remote import files
from edgectl.remote.context import TaskContext
from edgectl.remote.lean import Any
from edgectl.remote.tasks._accounts import Account


def make(args: Any, account: Account, context: TaskContext) -> bool | str:
    """Make the key where there is none, or in place of the old one with `force`; return whether, or what is wrong."""
    path = _path(args, account)
    if os.path.exists(path) and not args.force:
        return False
    if context.check:
        return True
    folder = os.path.dirname(path)
    if files.is_strangers_link(folder):
        return f"{folder} is a link that its user made, and may lead to another's keys: remove it"
    if not os.path.isdir(folder):
        os.makedirs(folder, 0o700)
        os.chown(folder, account.uid, account.gid)
    with tempfile.TemporaryDirectory(prefix=".edgectl-", dir=folder) as beside:
        made = os.path.join(beside, "key")
        return _generate(args, made, context) or _hand_over(made, path, account)


def _generate(args: Any, path: str, context: TaskContext) -> str:
    bits = ["-b", str(args.ssh_key_bits)] if args.ssh_key_bits else []
    comment = args.ssh_key_comment or f"ansible-generated on {socket.gethostname()}"
    words = ["ssh-keygen", "-q", "-t", args.ssh_key_type, *bits, "-C", comment, "-N", "", "-f", path]
    done = context.proc.run(words)
    if done.rc != 0 or not os.path.exists(f"{path}.pub"):
        return f"ssh-keygen failed: {(done.stderr or done.stdout).strip() or 'it made no key'}"
    return ""


def _hand_over(made: str, path: str, account: Account) -> bool:
    """Put both halves in place, the private one last: where it is, the key is whole and its user's."""
    for half in (".pub", ""):
        os.chown(made + half, account.uid, account.gid, follow_symlinks=False)
        os.replace(made + half, path + half)
    return True


def described(args: Any, account: Account, context: TaskContext) -> dict[str, Any]:
    """Return where the key is, its fingerprint and its public half."""
    path = _path(args, account)
    done = context.proc.run(["ssh-keygen", "-l", "-f", path])
    public = files.read(f"{path}.pub")
    return {
        "ssh_fingerprint": (done.stdout or done.stderr).strip(),
        "ssh_key_file": path,
        "ssh_public_key": None if public is None else public.decode("utf-8", "replace").strip(),
    }


def _path(args: Any, account: Account) -> str:
    name = args.ssh_key_file or f".ssh/id_{args.ssh_key_type}"
    return os.path.join(account.home, os.path.expandvars(name))
