"""Load a module of the kernel, or take it out, now and for every boot."""

from __future__ import annotations

import os
import re
import shlex

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Iterator, Literal, suppress
from edgectl.remote.ownership import AS_IT_IS, Attributes
from edgectl.remote.result import TaskResult, failed

REPEAT = "idempotent"
_LOADED_AT_BOOT = "/etc/modules-load.d"
_OPTIONS = "/etc/modprobe.d"


@dataclass(frozen=True)
class Args:
    """Name the module."""

    name: str = arg(doc="The module.")
    state: Literal["absent", "present"] = arg("present", doc="Whether it should be loaded now.")
    params: str = arg("", doc="Its parameters, name=value each.")
    persistent: Literal["absent", "disabled", "present"] = arg(
        "disabled", doc="Whether it should be loaded at every boot; disabled leaves that alone."
    )


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the kernel, then the files that systemd and modprobe read at boot."""
    values = {"name": args.name, "params": args.params, "state": args.state}
    differs = is_loaded(args.name) != (args.state == "present")
    if differs:
        words = ["modprobe", *["-n"] * context.check, *(["-r"] if args.state == "absent" else []), args.name]
        done = context.proc.run([*words, *(shlex.split(args.params) if args.state == "present" else [])])
        if done.rc != 0:
            return failed(done.stderr.strip() or f"modprobe ended with {done.rc}", rc=done.rc, **values)
        if not context.check and is_loaded(args.name) != (args.state == "present"):
            return failed(f"modprobe ended well, and {args.name} is still not {args.state}", **values)
    wanted = {} if args.persistent == "disabled" else dict(files_for(args))
    if not context.check:
        for path, text in wanted.items():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            new = AS_IT_IS if os.path.exists(path) else Attributes("0644")
            files.write_atomically(path, text.encode("utf-8", "surrogateescape"), new)
    return TaskResult(differs or bool(wanted), values=values)


def is_loaded(name: str) -> bool:
    """Tell whether the kernel has a module, loaded or built in; - and _ are the same to it."""
    plain = name.replace("-", "_")
    with open("/proc/modules", encoding="utf-8") as stream:
        if any(line.startswith(plain + " ") for line in stream):
            return True
    with (
        suppress(OSError),
        open(f"/lib/modules/{os.uname().release}/modules.builtin", encoding="utf-8") as stream,
    ):
        names = (os.path.basename(line.strip()).partition(".ko")[0] for line in stream)
        return any(found.replace("-", "_") == plain for found in names)
    return False


def files_for(args: Args) -> Iterator[tuple[str, str]]:
    """Yield each file that must change and its new text; a line that is not wanted becomes a comment."""
    loads, options = _lines_of(_LOADED_AT_BOOT), _lines_of(_OPTIONS)
    is_load = re.compile(rf" *{re.escape(args.name)} *([#;].*)?")
    is_option = re.compile(rf"options {re.escape(args.name)} (\w+=\S+) *([#;].*)?")
    at_boot = any(is_load.fullmatch(line) for lines in loads.values() for line in lines)
    matches = [is_option.fullmatch(line) for lines in options.values() for line in lines]
    wants = args.persistent == "present"
    if at_boot != wants:
        yield from (
            [_whole(_LOADED_AT_BOOT, args.name, [args.name])] if wants else _commented(loads, is_load)
        )
    parameters = args.params.split() if wants else []
    if {match[1] for match in matches if match} != set(parameters):
        own, text = _whole(_OPTIONS, args.name, [f"options {args.name} {one}" for one in parameters])
        for path, changed in _commented(options, is_option):
            if path != own or not parameters:
                yield path, changed
        if parameters:
            yield own, text


def _lines_of(folder: str) -> dict[str, list[str]]:
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    paths = [os.path.join(folder, name) for name in names]
    found = ((path, files.read(path) or b"") for path in paths if os.path.isfile(path))
    return {path: raw.decode("utf-8", "surrogateescape").splitlines() for path, raw in found}


def _commented(found: dict[str, list[str]], unwanted: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for path, lines in found.items():
        new = [f"#{line}" if unwanted.fullmatch(line) else line for line in lines]
        if new != lines:
            yield path, "".join(f"{line}\n" for line in new)


def _whole(folder: str, name: str, lines: list[str]) -> tuple[str, str]:
    return os.path.join(folder, f"{name}.conf"), "".join(f"{line}\n" for line in lines)
