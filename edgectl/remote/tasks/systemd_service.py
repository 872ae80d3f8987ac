"""Start, stop, enable or mask a systemd unit."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks._systemctl import Systemctl
from edgectl.remote.tasks._units import Unit, Wish, still_wrong, verbs

REPEAT = "idempotent"
_GLOB = frozenset("*?[")


@dataclass(frozen=True)
class Args:
    """Name the unit and what it should be."""

    name: str | None = arg(None, aliases=("service", "unit"), doc="The unit; .service may be left out.")
    state: Literal["started", "stopped", "restarted", "reloaded"] | None = arg(
        None, doc="What it should be; restarted and reloaded always act."
    )
    enabled: bool | None = arg(None, doc="Whether it starts at boot.")
    masked: bool | None = arg(None, doc="Whether it can be started at all.")
    daemon_reload: bool = arg(False, aliases=("daemon-reload",), doc="Read unit files again first.")
    daemon_reexec: bool = arg(False, aliases=("daemon-reexec",), doc="Start the manager itself anew first.")
    scope: Literal["system", "user", "global"] = arg("system", doc="Which manager.")
    no_block: bool = arg(False, doc="Do not wait until it is done.")
    force: bool = arg(False, doc="Replace links of other units that are in the way.")
    # What only `service` has. Ansible ignores these too where systemd runs the services.
    use: str = arg("auto", doc="Accepted for Ansible's sake.")
    sleep: int | None = arg(None, doc="Accepted for Ansible's sake.")
    pattern: str | None = arg(None, doc="Accepted for Ansible's sake.")
    runlevel: str | None = arg(None, doc="Accepted for Ansible's sake.")
    arguments: str | None = arg(None, aliases=("args",), doc="Accepted for Ansible's sake.")

    def __post_init__(self) -> None:
        """Refuse a task without an aim, and an aim without a unit."""
        aims = (self.state, self.enabled, self.masked)
        if aims == (None, None, None) and not (self.daemon_reload or self.daemon_reexec):
            raise ValueError("give 'state', 'enabled', 'masked', 'daemon_reload' or 'daemon_reexec'")
        if self.name is None and aims != (None, None, None):
            raise ValueError("'name' is missing")
        if self.name is not None and _GLOB & set(self.name):
            raise ValueError(f"'{self.name}' is a pattern: name one unit, and use 'loop' for several")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the unit to what is wanted and prove it."""
    control = Systemctl(context.proc, _options(args))
    for verb, asked in (("daemon-reload", args.daemon_reload), ("daemon-reexec", args.daemon_reexec)):
        problem = control.do(verb) if asked and not context.check else ""
        if problem:
            return failed(problem)
    if args.name is None:
        return TaskResult(values={"name": None, "status": {}})
    wish = Wish(args.state, args.enabled, args.masked)
    unit = control.read(args.name, wants_enabled=wish.needs_enabled)
    if unit.problem:
        return failed(unit.problem, name=args.name)
    if not unit.is_there and wish.needs_unit:
        return _missing(args, context)
    steps = verbs(wish, unit)
    values = _values(args, unit, steps)
    if context.check or not steps:
        return TaskResult(changed=bool(steps), values=values)
    for verb in steps:
        problem = control.do(verb, args.name)
        if problem:
            return failed(f"{problem}{control.last_words(args.name)}", **values)
    return _proven(args, wish, control, values, steps)


def _options(args: Args) -> list[str]:
    options = [] if args.scope == "system" else [f"--{args.scope}"]
    return options + ["--no-block"] * args.no_block + ["--force"] * args.force


def _missing(args: Args, context: TaskContext) -> TaskResult:
    """Without its unit nothing works; in check mode the package that brings it was not installed either."""
    msg = f"Could not find the requested service {args.name}: install what brings it, or correct the name"
    if not context.check:
        return failed(msg, name=args.name)
    return TaskResult(
        changed=True, msg=f"{args.name} is not here yet", values={"name": args.name, "status": {}}
    )


def _values(args: Args, unit: Unit, steps: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {"name": args.name, "status": unit.status}
    if args.enabled is not None:
        values["enabled"] = args.enabled
    if args.state is not None:
        values["state"] = "stopped" if args.state == "stopped" else "started"
    return {**values, "actions": steps} if steps else values


def _proven(
    args: Args, wish: Wish, control: Systemctl, values: dict[str, Any], steps: list[str]
) -> TaskResult:
    """Read again: a unit that was started and fell over is a failure with the journal's last lines."""
    started = bool({"start", "restart", "reload"} & set(steps)) and not args.no_block
    name = str(args.name)
    unit = control.settled(name, wants_enabled=wish.needs_enabled) if started else None
    unit = unit or control.read(name, wants_enabled=wish.needs_enabled)
    values = {**values, "status": unit.status}
    wrong = still_wrong(wish._replace(state=None) if args.no_block else wish, unit)
    if wrong:
        return failed(f"{name} {wrong}{control.last_words(name)}", **values)
    return TaskResult(changed=True, values=values)
