"""Swap a release of a model service behind its proxy, or swap it back: no request is refused, no stream is cut.

Every step leaves a host that serves, and the next try goes on from what it finds: who serves stands in the proxy's
configuration, what runs where in the slots' units, what is in force in the link `current`.
"""

from __future__ import annotations

import json

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.result import TaskResult, changed, failed, ok
from edgectl.remote.tasks import _quadlets, _serving
from edgectl.remote.tasks._adapters import Adapters
from edgectl.remote.tasks._flows import drain
from edgectl.remote.tasks._front import Front
from edgectl.remote.tasks._haproxy import SLOTS, Record
from edgectl.remote.tasks._releases import STAYS_DRAINED, Releases
from edgectl.remote.tasks._slots import Slots
from edgectl.remote.tasks._systemctl import Systemctl

REPEAT = "idempotent"
_REPLACE = "replace"
_ASK_S = 5.0
# What a release is laid out with, so that it can be proved again when it comes back.
_DESCRIBED = (
    "service",
    "release",
    "model",
    "files",
    "unit",
    "prompts",
    "smoke_tokens",
    "smoke_stream",
    "ready_timeout",
    "adapters",
    "adapters_by",
    "base",
    "gpus",
    "key",
)


@dataclass(frozen=True)
class Args:
    """A release, what must be true before it serves, and how the host goes over to it."""

    service: str = arg(doc="The service's name.")
    release: str = arg(doc="The release's name; the same name is always the same content.")
    unit: str = arg(doc="The engine's unit; {release} is the release's folder, {port} its slot's port.")
    files: list[dict[str, Any]] = arg(
        doc="The model's files: name and sha256 of each, in the blob store already."
    )
    listen: str = arg(doc="Where clients connect: ADDRESS:PORT.")
    ports: list[int] = arg(doc="The ports of the two slots, on the loopback.")
    model: str = arg(doc="The model's name in the API.")
    prompts: list[dict[str, Any]] = arg(doc="What the smoke test asks, and how a golden answer begins.")
    neighbours: list[str] = arg(factory=list, doc="ADDRESS:PORT of hosts that serve while this one cannot.")
    paths: list[str] = arg(factory=lambda: ["/v1/"], doc="What clients may ask for.")
    swap: Literal["side-by-side", "replace"] = arg("side-by-side", doc="Whether both run for a moment.")
    drain: float = arg(120.0, doc="Seconds that streams in flight may take to end; then they are cut.")
    ready_timeout: float = arg(300.0, doc="Seconds until the engine must produce tokens.")
    smoke_tokens: int = arg(16, doc="How many tokens an answer of the smoke test may have.")
    smoke_stream: bool = arg(False, doc="Ask a second time, for a stream that must say the same.")
    keep: int = arg(2, doc="How many earlier releases stay on the host.")
    adapters: list[dict[str, str]] = arg(
        factory=list,
        doc="LoRA adapters: name, path ({adapters} is their folder), and the model clients ask for.",
    )
    adapters_by: Literal["", "vllm", "sglang"] = arg(
        "", doc="Whose way of loading them while it runs it has."
    )
    gpus: list[str] = arg(factory=list, doc="The GPUs that the unit names, by number or UUID.")
    key: str = arg("", doc="The variable of the engine's environment that is the key it wants.")
    base: str = arg("", doc="What two releases have in common that differ in nothing but adapters.")

    def __post_init__(self) -> None:
        """Refuse a wrong number of slots."""
        if len(self.ports) != len(SLOTS):
            raise ValueError("'ports' are two: one for each slot")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Swap to the release unless it is in force and answers."""
    swap = Swap(args, context)
    if Releases(context.paths, args.service).is_drained():
        return ok(STAYS_DRAINED, release=swap.before, drained_out=True)
    if swap.is_in_force():
        return ok(release=args.release, previous=swap.before, gpus=args.gpus)
    missing = swap.missing()
    if missing:
        return swap.failed(args.release, missing)
    if context.check:
        return changed(swap.plan(), release=args.release)
    problem = swap.carry_out()
    if problem:
        return swap.failed(args.release, problem)
    swap.commit()
    return changed(release=args.release, previous=swap.before, gpus=args.gpus, **swap.figures)


class Swap:
    """From the release that serves to the one that shall. `said` is where a failed swap left the host."""

    def __init__(self, args: Args, context: TaskContext) -> None:
        self._args = args
        self._proc = context.proc
        systemctl = Systemctl(context.proc, [])
        self._releases = Releases(context.paths, args.service)
        self._front = Front(args.service, context.proc, systemctl)
        self._record = self._known_record()
        self._slots = Slots(args.service, self._releases, systemctl, self._record)
        self.before = self._releases.current()
        self._has_other_key = False
        self.figures: dict[str, Any] = {}
        self.said = "nothing was touched"

    def failed(self, release: str, problem: str) -> TaskResult:
        """Return what a swap that failed came to."""
        gpus = self._releases.gpus(self.before)
        return failed(f"{release}: {problem}; {self.said}", release=self.before, gpus=gpus, **self.figures)

    def _known_record(self) -> Record:
        """Return what the proxy shall be, with whoever serves now."""
        args, known = self._args, self._front.record()
        serving = "" if known is None else known.serving
        return Record(args.listen, args.ports, args.neighbours, args.paths, serving)

    def is_in_force(self) -> bool:
        """Tell whether the release serves from the unit and the files it was deployed with, and produces tokens."""
        release, slot = self._args.release, self._record.serving
        if self.before != release or not slot or not self._is_described():
            return False
        if (
            self._slots.of(release) != slot
            or not self._slots.runs(slot)
            or not self._front.is_as(self._record)
        ):
            return False
        # Both slots have it where a swap to another key was cut off.
        if self._slots.is_there(other_than(slot)) or not self._has_its_adapters(slot):
            return False
        if not self._releases.is_laid_out(release, self._args.files):
            return False
        return not _serving.await_tokens(self._slots.engine(slot, release), self._args.model, 0.0, lambda: "")

    def _has_its_adapters(self, slot: str) -> bool:
        return not self._args.adapters_by or self._engine(slot).loaded() in (
            None,
            self._paths(self._args.adapters),
        )

    def missing(self) -> str:
        """Return what the host lacks for the release, whatever becomes of the one that serves; or an empty text."""
        podman = _quadlets.missing(self._proc) if _quadlets.is_quadlet(self._args.unit) else ""
        return self._front.missing() or podman or self._releases.clash(self._args.gpus)

    def plan(self) -> str:
        """Return in words how the host would go over."""
        before = self._releases.described(self.before) if self.before else {}
        if not self._takes_adapters():
            return f"would swap from {self.before or 'nothing'} to {self._args.release}"
        new, old = (self._paths(one) for one in (self._args.adapters, before.get("adapters", [])))
        loads = [f"load {name}" for name, path in new.items() if old.get(name) != path]
        words = (
            ", ".join([*loads, *(f"unload {name}" for name in old if name not in new)]) or "keep its adapters"
        )
        return f"would {words} in the engine that runs, from {self.before} to {self._args.release}"

    def carry_out(self) -> str:
        """Bring the host over to the release; return what went wrong, with `said` for where that left it."""
        problem = self._lay_out() or self._take_over() or self._front.put(self._record)
        if problem:
            self.said = self._who_serves()
            return problem
        self._has_other_key = self._refuses_the_key()
        if not self._has_other_key and self._takes_adapters() and self._adapt():
            return ""
        return self._replace() if self._must_replace() else self._side_by_side()

    def _refuses_the_key(self) -> bool:
        """Tell whether the release serves with another key than it is to have: its engine read it when it started."""
        release, slot = self._args.release, self._record.serving
        if not slot or self._slots.of(release) != slot or not self._slots.runs(slot):
            return False
        return bool(self._args.key) and self._slots.engine(slot, release).refuses_the_key(_ASK_S)

    def _takes_adapters(self) -> bool:
        """Tell whether the engine that serves has only to load and unload adapters to be the release."""
        before, slot = self.before, self._record.serving
        if before is None or not slot or not self._args.base:
            return False
        is_same = self._releases.described(before).get("base") == self._args.base
        return is_same and self._slots.of(before) == slot and self._slots.runs(slot)

    def _adapt(self) -> bool:
        """Load and unload adapters in the engine that serves, and prove them; where it will not, all is as it was."""
        slot, before, wanted = self._record.serving, self.before or "", self._paths(self._args.adapters)
        engine = self._engine(slot)
        had = engine.loaded() or {}
        problem = engine.bring(wanted)
        if not problem:
            problem, proof = self._slots.prove(slot, self._args.release)
            self.figures.update(proof)
        if problem:
            engine.bring(self._paths(self._releases.described(before).get("adapters", [])))
            self.figures["adapters_refused"] = problem
            return False
        self.figures["adapters"] = {
            "loaded": sorted(name for name, path in wanted.items() if had.get(name) != path),
            "unloaded": sorted(had.keys() - wanted.keys()),
        }
        return not self._slots.install(slot, self._args.release)

    def _engine(self, slot: str) -> Adapters:
        return Adapters(self._slots.engine(slot, self._args.release), self._args.adapters_by)

    def _paths(self, adapters: list[dict[str, str]]) -> dict[str, str]:
        return {one["name"]: self._releases.filled(one["path"], self._args.release) for one in adapters}

    def _lay_out(self) -> str:
        args = self._args
        text = json.dumps({**self._described(), "swap": args.swap}, indent=2)
        return self._releases.lay_out(args.release, args.files, text)

    def _take_over(self) -> str:
        """Have an engine that listened itself give its port to the proxy: until that has it, nobody answers there."""
        if not self._slots.has_direct():
            return ""
        new = self._target()
        problem = self._start_and_prove(new, self._args.release)
        if problem:
            self._slots.stop(new)
        return problem or self._slots.stop_direct()

    def _described(self) -> dict[str, Any]:
        return {name: getattr(self._args, name) for name in _DESCRIBED}

    def _is_described(self) -> bool:
        told = self._releases.described(self._args.release)
        # What is empty may be missing: an edgectl that did not know of it laid the release out.
        return all((told.get(name) or None) == (value or None) for name, value in self._described().items())

    def _must_replace(self) -> bool:
        """Tell whether the old engine has to go before the new one starts."""
        return self._args.swap == _REPLACE and self._old() != ""

    def _old(self) -> str:
        """Return the slot of the release in force, as far as it is not the new one's; "" for none."""
        is_same = self.before == self._args.release and not self._has_other_key
        return "" if is_same else self._slots.of(self.before)

    def _target(self) -> str:
        """Return the slot for the release: the one it has, where it was begun before, else one that does not serve."""
        if self._has_other_key:
            return other_than(self._record.serving)
        return self._slots.of(self._args.release) or next(
            slot for slot in SLOTS if slot not in (self._record.serving, self._old())
        )

    def _side_by_side(self) -> str:
        """Start the new engine beside the old one, prove it, let it serve, drain the old one and stop it."""
        new = self._target()
        problem = self._start_and_prove(new, self._args.release) or self._serve_from(new)
        if problem:
            self._give_up(new)
            return problem
        return self._drain_and_stop(other_than(new))

    def _replace(self) -> str:
        """Let neighbours carry the load, drain and stop the old engine, start the new one, prove it, let it serve."""
        new = self._target()
        alone = self._front.await_neighbour() if self._record.serving else ""
        if alone:
            self.said = self._who_serves()
            return alone
        problem = (
            self._serve_from("")
            or self._drain_and_stop(other_than(new))
            or self._start_and_prove(new, self._args.release)
            or self._serve_from(new)
        )
        if problem:
            self._give_up(new)
        return problem

    def _give_up(self, new: str) -> None:
        """Leave the host to the release that was in force: it serves, is brought back, or the host is drained."""
        serving = self._record.serving
        if serving == new and self.before == self._args.release:
            self.said = "it serves all the same, there is no other"
            return
        if self.before is None:
            self._serve_from("")
            self.said = "there is no previous release, the service is stopped"
        elif serving in ("", new):
            self._bring_back(other_than(new), self.before)
        else:
            self.said = self._who_serves()
        self._slots.stop(new)

    def _bring_back(self, slot: str, release: str) -> None:
        """Start the release that was in force again and prove it as it was proved; else leave the host drained."""
        problem = self._start_and_prove(slot, release) or self._serve_from(slot)
        self.said = f"the previous release {release} serves again"
        if problem:
            self._serve_from("")
            self.figures["quarantined"] = True
            self.said = (
                f"and the previous release {release} does not come back: {problem}; the host is drained"
            )

    def _start_and_prove(self, slot: str, release: str) -> str:
        problem = self._slots.start(slot, release)
        if problem:
            return problem
        problem, proof = self._slots.prove(slot, release)
        self.figures.update(proof)
        return problem

    def _serve_from(self, slot: str) -> str:
        self._record = self._record._replace(serving=slot)
        return self._front.put(self._record)

    def _drain_and_stop(self, slot: str) -> str:
        if not self._slots.is_there(slot):
            return ""
        drained = drain(self._record.port(slot), self._args.drain)
        self.figures["drained"] = drained._asdict()
        return self._slots.stop(slot)

    def _who_serves(self) -> str:
        if self.before is None:
            return "there is no previous release"
        return f"the previous release {self.before} serves"

    def commit(self) -> None:
        """Make the release the current one and let go of the oldest."""
        self._releases.make_current(self._args.release)
        self._releases.prune(self._args.keep)


def other_than(slot: str) -> str:
    """Return the other slot."""
    return next(other for other in SLOTS if other != slot)
