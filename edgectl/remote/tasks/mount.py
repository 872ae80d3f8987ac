"""Mount a filesystem, now and at every boot, or take it away."""

from __future__ import annotations

import os

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass, replace
from edgectl.remote.lean import Any, Literal
from edgectl.remote.ownership import AS_IT_IS, Attributes
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks import _fstab

REPEAT = "idempotent"
_FSTAB = "/etc/fstab"


@dataclass(frozen=True)
class Args:
    """Name the place and the state it should be in."""

    path: str = arg(aliases=("name",), doc="Where to mount it.")
    state: Literal[
        "absent", "absent_from_fstab", "ephemeral", "mounted", "present", "remounted", "unmounted"
    ] = arg(doc="mounted is now and at boot, ephemeral now, present at boot; absent is neither.")
    src: str | None = arg(None, doc="The device, or whatever mount(8) takes.")
    fstype: str | None = arg(None, doc="The kind of filesystem.")
    opts: str = arg("defaults", doc="The options, parted by commas.")
    dump: str = arg("0", doc="The fifth field of fstab(5).")
    passno: str = arg("0", doc="The sixth field of fstab(5).")
    boot: bool = arg(True, doc="Mount it at boot; no: add noauto to the options.")
    fstab: str = arg(_FSTAB, doc="Another file in its place.")
    backup: bool = arg(False, doc="Keep the old fstab beside the new one.")

    def __post_init__(self) -> None:
        """Refuse a mount of nothing."""
        if self.state in ("mounted", "present", "ephemeral") and None in (self.src, self.fstype):
            raise ValueError(f"'src' and 'fstype' are needed with state={self.state}")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring fstab and what is mounted to the state."""
    options = args.opts.split(",") + ["noauto"] * (not args.boot and "noauto" not in args.opts.split(","))
    args = replace(args, path=files.expanded(args.path), opts=",".join(options))
    step = {"mounted": _mounted, "ephemeral": _ephemeral, "remounted": _remounted, "unmounted": _unmounted}
    done = step.get(args.state, _listed)(args, context)
    named = ("src", "fstype", "opts", "dump", "passno", "fstab")
    values = {
        "name": args.path,
        **{name: getattr(args, name) for name in named},
        "boot": "yes" if args.boot else "no",
    }
    return replace(done, values={**values, "backup_file": "", **done.values})


def _listed(args: Args, context: TaskContext) -> TaskResult:
    """Change fstab alone; what is absent is unmounted too, and its folder removed."""
    done, _ = _edit_fstab(args, context)
    if args.state != "absent" or not done.changed or context.check:
        return done
    problem = _umount(args, context) if os.path.ismount(args.path) else ""
    if not problem and os.path.isdir(args.path):
        try:
            os.rmdir(args.path)
        except OSError as error:
            problem = f"cannot remove the folder {args.path}: {error.strerror}"
    return failed(problem) if problem else done


def _edit_fstab(args: Args, context: TaskContext) -> tuple[TaskResult, str]:
    """Bring fstab to the line that is wanted, or to none; the text is what it had."""
    path = files.expanded(args.fstab)
    found = files.read(path)
    before = (found or b"").decode("utf-8", "surrogateescape")
    line = _fstab.Line(args.src or "", args.path, args.fstype or "", args.opts, args.dump, args.passno)
    is_absent = args.state in ("absent", "absent_from_fstab")
    after = _fstab.without(before, line) if is_absent else _fstab.with_line(before, line)
    if after == before:
        return TaskResult(), before
    raw = after.encode("utf-8", "surrogateescape")
    diff = files.text_diff(path, found, raw) if context.diff else None
    values: dict[str, Any] = {}
    if not context.check:
        values = {"backup_file": files.back_up(path)} if args.backup and found is not None else {}
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        files.write_atomically(path, raw, AS_IT_IS if found is not None else Attributes("0644"))
    return TaskResult(changed=True, values=values, diff=diff), before


def _mounted(args: Args, context: TaskContext) -> TaskResult:
    """Have it in fstab and mounted; what cannot be mounted is taken out of fstab again, for the next boot."""
    is_there = os.path.ismount(args.path)
    listed, before = _edit_fstab(args, context)
    if context.check or (is_there and not listed.changed):
        return replace(listed, changed=listed.changed or not is_there)
    made = [] if is_there else _make_folders(args.path)
    words = ["mount", *(["-o", "remount"] if is_there else []), *_other_fstab(args), args.path]
    problem = _ran(words, context)
    if problem and is_there:
        problem = _umount(args, context) or _ran(["mount", *_other_fstab(args), args.path], context)
    if not problem and not os.path.ismount(args.path):
        problem = "mount ended well, and nothing is mounted there"
    if problem:
        if listed.changed:
            files.write_atomically(files.expanded(args.fstab), before.encode("utf-8", "surrogateescape"))
        for folder in reversed(made):
            os.rmdir(folder)
        return failed(f"Error mounting {args.path}: {problem}")
    return replace(listed, changed=True)


def _ephemeral(args: Args, context: TaskContext) -> TaskResult:
    """Have it mounted without a line in fstab; another filesystem there is no reason to cover it."""
    source = _fstab.mounted_source(args.path)
    if source is not None and source != args.src:
        return failed(f"{args.path} has {source} mounted: unmount it first, with state=unmounted")
    if context.check:
        return TaskResult(changed=True)
    made = [] if source is not None else _make_folders(args.path)
    remount = ["-o", "remount"] if source is not None else []
    options = ["-o", args.opts] if args.opts != "defaults" else []
    words = ["mount", *remount, "-t", str(args.fstype), *options, str(args.src), args.path]
    problem = _ran(words, context)
    if problem:
        for folder in reversed(made):
            os.rmdir(folder)
        return failed(f"Error mounting {args.path}: {problem}")
    return TaskResult(changed=True)


def _remounted(args: Args, context: TaskContext) -> TaskResult:
    if context.check:
        return TaskResult(changed=True)
    options = "remount" if args.opts == "defaults" else f"remount,{args.opts}"
    problem = _ran(["mount", "-o", options, args.path], context)
    if problem:
        problem = _umount(args, context) or _ran(["mount", *_other_fstab(args), args.path], context)
    return failed(f"Error remounting {args.path}: {problem}") if problem else TaskResult(changed=True)


def _unmounted(args: Args, context: TaskContext) -> TaskResult:
    if not os.path.ismount(args.path):
        return TaskResult()
    problem = "" if context.check else _umount(args, context)
    return failed(problem) if problem else TaskResult(changed=True)


def _umount(args: Args, context: TaskContext) -> str:
    problem = _ran(["umount", args.path], context)
    if not problem and os.path.ismount(args.path):
        problem = "something is still mounted there"
    return f"Error unmounting {args.path}: {problem}" if problem else ""


def _ran(words: list[str], context: TaskContext) -> str:
    done = context.proc.run(words, environment={"LC_ALL": "C"})
    return "" if done.rc == 0 else (done.stderr or done.stdout).strip() or f"{words[0]} ended with {done.rc}"


def _other_fstab(args: Args) -> list[str]:
    return [] if args.fstab == _FSTAB else ["-T", files.expanded(args.fstab)]


def _make_folders(path: str) -> list[str]:
    made: list[str] = []
    while path and not os.path.isdir(path):
        made.insert(0, path)
        path = os.path.dirname(path)
    for folder in made:
        os.mkdir(folder)
    return made
