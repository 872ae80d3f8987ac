"""Make sure that a user account is there as wanted, or is not there."""

from __future__ import annotations

import os

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.result import TaskResult, changed, failed, ok
from edgectl.remote.tasks import _accounts, _user_key
from edgectl.remote.tasks._accounts import Account

REPEAT = "idempotent"


@dataclass(frozen=True)
class Args:
    """Name the user; what is not said of one that is there stays."""

    name: str = arg(aliases=("user",), doc="The user.")
    state: Literal["absent", "present"] = arg("present", doc="Whether the account should be there.")
    uid: int | None = arg(None, doc="The number.")
    non_unique: bool = arg(False, doc="Another user may have the same number.")
    group: str | None = arg(None, doc="The first group, by name or number.")
    groups: list[str] | None = arg(None, doc="The other groups; an empty list is none.")
    append: bool = arg(False, doc="Groups that are not named stay.")
    comment: str | None = arg(None, doc="The name in words.")
    home: str | None = arg(None, doc="The home folder.")
    create_home: bool = arg(True, aliases=("createhome",), doc="Make the home folder where there is none.")
    move_home: bool = arg(False, doc="Move the old home folder to the new place.")
    skeleton: str | None = arg(None, doc="The folder that a new home is a copy of.")
    shell: str | None = arg(None, doc="The login shell.")
    umask: str | None = arg(None, doc="The mask that a new home is made with.")
    password: str | None = arg(
        None, doc="The hash of the password, as in /etc/shadow; ! and * let nobody in."
    )
    update_password: Literal["always", "on_create"] = arg(
        "always", doc="Whether an old password is replaced."
    )
    password_lock: bool | None = arg(None, doc="Lock the password, or unlock it.")
    password_expire_max: int | None = arg(None, doc="Days after which the password must change.")
    password_expire_min: int | None = arg(None, doc="Days before which it may not.")
    password_expire_warn: int | None = arg(None, doc="Days of warning before.")
    password_expire_account_disable: int | None = arg(None, doc="Days after which the account is closed.")
    expires: float | None = arg(None, doc="When the account ends, in seconds since 1970; below 0 never.")
    system: bool = arg(False, doc="A new account is one of the system's.")
    uid_min: int | None = arg(None, doc="The lowest number a new one may get.")
    uid_max: int | None = arg(None, doc="The highest number a new one may get.")
    force: bool = arg(False, doc="Remove the account though the user is logged in; replace an SSH key.")
    remove: bool = arg(False, doc="Remove the home folder and the mail too.")
    generate_ssh_key: bool = arg(False, doc="Make an SSH key where there is none.")
    ssh_key_type: str = arg("rsa", doc="What kind of key.")
    ssh_key_bits: int | None = arg(None, doc="How long a key; ssh-keygen's own where absent.")
    ssh_key_file: str | None = arg(None, doc="Where, from the home folder; .ssh/id_rsa where absent.")
    ssh_key_comment: str | None = arg(None, doc="The key's comment.")

    def __post_init__(self) -> None:
        """Refuse a password in the open: it would lie in /etc/shadow, and let nobody in."""
        if self.password and not self.password.startswith(("$", "!", "*", "{{")) and len(self.password) != 13:  # noqa: PLR2004 - crypt's own
            raise ValueError(
                "'password' is a hash, as `mkpasswd -m sha-512` prints: in the open nobody could log in"
            )
        if self.password and "{{" not in self.password and set(":\n") & set(self.password):
            raise ValueError("'password' has a colon or a line end in it, and no hash has: cut it off")
        if self.append and self.groups is None:
            raise ValueError("'append' needs 'groups'")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the account to what is wanted, and read again whether it is."""
    account = _accounts.read(args.name)
    if args.state == "absent":
        return _absent(args, account, context)
    try:
        unknown = _accounts.unknown_group(args)
    except ValueError as error:
        return failed(str(error), name=args.name)
    if unknown and not context.check:
        return failed(
            f"Group {unknown} does not exist: make it first with the module 'group'", name=args.name
        )
    if account is None and context.check:
        return changed()
    done = _create(args, context) if account is None else _modify(args, account, context)
    if isinstance(done, str):
        return failed(done, name=args.name)
    return _finished(args, context, is_new=account is None, differs=done)


def _absent(args: Args, account: Account | None, context: TaskContext) -> TaskResult:
    values: dict[str, Any] = {"name": args.name, "state": args.state}
    if account is None:
        return ok(**values)
    if context.check:
        return changed()
    words = ["userdel", *["-f"] * args.force, *["-r"] * args.remove, args.name]
    done = context.proc.run(words, environment={"LC_ALL": "C"})
    if done.rc != 0 or _accounts.read(args.name) is not None:
        return failed(
            (done.stderr or done.stdout).strip() or "userdel left the account", rc=done.rc, **values
        )
    values.update(force=args.force, remove=args.remove)
    return changed(**values)


def _create(args: Args, context: TaskContext) -> bool | str:
    """Make the account; return True, or what is wrong."""
    if args.home is not None and args.create_home:
        os.makedirs(os.path.dirname(files.expanded(args.home).rstrip("/")), exist_ok=True)
    problem = _ran(_accounts.useradd(args), context) or _set_password(args, context)
    return problem or (
        True if _accounts.read(args.name) is not None else "useradd ended well, and there is no account"
    )


def _modify(args: Args, account: Account, context: TaskContext) -> bool | str:
    """Change the account; return whether it differed, or what is wrong."""
    words = _accounts.usermod(args, account)
    has_password = _accounts.sets_password(args, account)
    if not words and not has_password:
        return False
    if context.check:
        return True
    problem = (_ran(words, context) if words else "") or (
        _set_password(args, context) if has_password else ""
    )
    again = _accounts.read(args.name)
    left = _accounts.usermod(args, again) if again is not None else ["usermod"]
    if (
        not problem and left and left != ["usermod", "-U", args.name]
    ):  # a user without a password stays locked
        return f"usermod ended well, and the account is still not as wanted: {' '.join(left)}"
    return problem or True


def _ran(words: list[str], context: TaskContext) -> str:
    done = context.proc.run(words, environment={"LC_ALL": "C"})
    return "" if done.rc == 0 else f"{words[0]} failed: {(done.stderr or done.stdout).strip()}"


def _set_password(args: Args, context: TaskContext) -> str:
    """Set the hash by chpasswd's input: on a command line any user of the host could read it."""
    if args.password is None:
        return "" if not args.password_lock else _ran(["usermod", "-L", args.name], context)
    lock = "!" if args.password_lock and not args.password.startswith("!") else ""
    done = context.proc.run(["chpasswd", "-e"], stdin=f"{args.name}:{lock}{args.password}\n")
    return "" if done.rc == 0 else f"chpasswd failed: {(done.stderr or done.stdout).strip()}"


def _finished(args: Args, context: TaskContext, *, is_new: bool, differs: bool) -> TaskResult:
    """Look after the home, the ages of the password and the key, and describe the account as it is now."""
    account = _accounts.read(args.name)
    if account is None:
        return failed(f"there is no account '{args.name}' though it was made", name=args.name)
    values = _described(args, account, is_new=is_new)
    home = files.expanded(args.home) if args.home is not None else account.home
    if args.create_home and not os.path.exists(home):
        differs = True
        if not context.check:
            _accounts.make_home(args, account, home)
    ages = _accounts.chage(args, account)
    if ages and not context.check:
        problem = _ran(ages, context)
        if problem:
            return failed(problem, **values)
    made = _user_key.make(args, account, context) if args.generate_ssh_key else False
    if isinstance(made, str):
        return failed(made, **values)
    values.update(_user_key.described(args, account, context) if args.generate_ssh_key else {})
    return TaskResult(differs or bool(ages) or made, values=values)


def _described(args: Args, account: Account, *, is_new: bool) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": args.name,
        "state": args.state,
        "uid": account.uid,
        "group": account.gid,
        "comment": account.comment,
        "home": account.home,
        "shell": account.shell,
    }
    if is_new:
        values.update(system=args.system, create_home=args.create_home)
    else:
        values.update(append=args.append, move_home=args.move_home)
    if args.groups is not None:
        values["groups"] = ",".join(args.groups)
    if args.password is not None:
        values["password"] = "NOT_LOGGING_PASSWORD"  # noqa: S105 - Ansible's word in place of it
    return values
