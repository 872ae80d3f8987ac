"""Set a kernel parameter, now and for every boot."""

from __future__ import annotations

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.ownership import AS_IT_IS, Attributes
from edgectl.remote.proc import Completed
from edgectl.remote.result import TaskResult, failed

REPEAT = "idempotent"
_WORDS = {"yes": "1", "true": "1", "on": "1", "no": "0", "false": "0", "off": "0"}


@dataclass(frozen=True)
class Args:
    """Name the parameter."""

    name: str = arg(aliases=("key",), doc="The parameter, such as vm.swappiness.")
    value: str | None = arg(None, aliases=("val",), doc="Its value.")
    state: Literal["present", "absent"] = arg("present", doc="Whether the file should set it.")
    sysctl_file: str = arg("/etc/sysctl.conf", doc="The file that sets it at boot.")
    sysctl_set: bool = arg(False, doc="Set it now too, and prove it.")
    reload: bool = arg(True, doc="Load the file where it was changed.")
    ignoreerrors: bool = arg(False, doc="Go on where the kernel does not know the parameter.")

    def __post_init__(self) -> None:
        """Refuse a parameter without its value."""
        if self.state == "present" and self.value is None:
            raise ValueError("'value' is needed with state=present")
        if not self.name.strip():
            raise ValueError("'name' is empty")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the file to the value, and the kernel too where that is asked for."""
    path = files.expanded(args.sysctl_file)
    before = (files.read(path) or b"").decode("utf-8", "surrogateescape")
    after = edited(before, args.name, _value(args.value), present=args.state == "present")
    live = args.sysctl_set and args.state == "present"
    kernel_differs = live and normal(_read(args, context).stdout) != _value(args.value)
    values: dict[str, Any] = {"name": args.name, "value": _value(args.value), "state": args.state}
    diff = (
        files.text_diff(path, before.encode(), after.encode()) if context.diff and after != before else None
    )
    if context.check or (after == before and not kernel_differs):
        return TaskResult(after != before or kernel_differs, values=values, diff=diff)
    if kernel_differs:
        problem = _set(args, context)
        if problem:
            return failed(problem, **values)
    if after != before:
        new = AS_IT_IS if files.read(path) is not None else Attributes(mode="0644")
        files.write_atomically(path, after.encode("utf-8", "surrogateescape"), new)
        done = _sysctl(args, context, "-p", path) if args.reload else Completed(0, "", "")
        if done.rc != 0:
            return failed(f"Failed to reload {path}: {_said(done)}", **values)
    return TaskResult(changed=True, values=values, diff=diff)


def edited(text: str, name: str, value: str, *, present: bool) -> str:
    """Return the file with one line for the parameter, where its first one was, or with none.

    A value that is written differently but means the same is left alone.
    """
    lines: list[str] = []
    is_set = not present
    for line in text.splitlines():
        key, equals, old = line.partition("=")
        if line.lstrip().startswith(("#", ";")) or not equals or dotted(key) != dotted(name):
            lines.append(line)
        elif not is_set:
            is_set = True
            lines.append(line if normal(old) == value else f"{name}={value}")
    if not is_set:
        lines.append(f"{name}={value}")
    if lines == text.splitlines():
        return text
    return "".join(f"{line}\n" for line in lines)


def dotted(key: str) -> str:
    """Return a parameter's name as sysctl shows it: net/ipv4/x and -net.ipv4.x are net.ipv4.x."""
    key = key.strip().lstrip("-")
    return key.replace("/", ".") if "/" in key and "." not in key.partition("/")[0] else key


def normal(value: str) -> str:
    """Return a value without needless space, and yes or no as the kernel writes them."""
    words = " ".join(value.split())
    return _WORDS.get(words.lower(), words)


def _value(value: str | None) -> str:
    return "" if value is None else normal(value)


def _sysctl(args: Args, context: TaskContext, *words: str) -> Completed:
    ignoring = ["-e"] * args.ignoreerrors
    return context.proc.run(["sysctl", *ignoring, *words], environment={"LC_ALL": "C"})


def _read(args: Args, context: TaskContext) -> Completed:
    return _sysctl(args, context, "-n", args.name)


def _set(args: Args, context: TaskContext) -> str:
    """Set it and read it again; return what is wrong, or an empty text."""
    done = _sysctl(args, context, "-w", f"{args.name}={_value(args.value)}")
    if done.rc != 0:
        return f"setting {args.name} failed: {_said(done)}"
    found = normal(_read(args, context).stdout)
    if found != _value(args.value) and not args.ignoreerrors:
        return f"{args.name} is '{found}' after it was set to '{_value(args.value)}': {_said(done)}"
    return ""


def _said(done: Completed) -> str:
    return (done.stderr or done.stdout).strip()
