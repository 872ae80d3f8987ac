"""The faults of the README's table: how each is made, and how a host and a report are put in words."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.faults.milestones import Milestone
from tests.faults.proxy import End, Line, Proxy
from tests.faults.rig import Site
from tests.faults.tools import Tool, end, verdict_of

RECORDED = Path(__file__).with_name("table.yaml")
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
_TOOLS = ("edgectl", "ansible-core")
_SEEN = "/srv/seen"
_BEGUN_S = 90.0
_QUIET_S = 5.0

Strike = Callable[[Site, Tool, subprocess.Popen[str]], str]


def _nothing_before(_proxy: Proxy) -> None:
    """Leave the line as it is."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: of the host from its boot on, of the line before the run, or a strike once the task has begun."""

    name: str
    boot: Mapping[str, str] = field(default_factory=dict)
    line: Callable[[Proxy], None] = _nothing_before
    strike: Strike | None = None


def _stalls(at: Milestone) -> Callable[[Proxy], None]:
    return lambda proxy: proxy.plan(lambda _: Line(End.FREEZE, at))


def _always(line: Line) -> Callable[[Proxy], None]:
    return lambda proxy: proxy.plan(lambda _: line)


def _line_ends(how: End) -> Strike:
    def strike(site: Site, tool: Tool, process: subprocess.Popen[str]) -> str:
        site.proxy.end_all(how)
        return verdict_of(tool, process)

    return strike


def _runner_dies(site: Site, tool: Tool, process: subprocess.Popen[str]) -> str:
    site.machine.run("pkill -9 python")
    return verdict_of(tool, process)


def _controller_dies(site: Site, tool: Tool, process: subprocess.Popen[str]) -> str:
    end(process)
    time.sleep(_QUIET_S)
    return verdict_of(tool, tool.again(site))


def _another_comes(site: Site, tool: Tool, process: subprocess.Popen[str]) -> str:
    second = verdict_of(tool, tool.start(site))
    return f"{verdict_of(tool, process)}; the second {second}"


_TALKS = (
    "yes 'AUTHORISED USE ONLY' | head -n 200 > /etc/banner; echo 'echo hello; echo noise >&2' > /root/.bashrc"
)
_HANGS = "echo 'echo waiting for the licence server; sleep 1000' > /root/.bashrc"
_FULL = "mkdir -p {0} && mount -t tmpfs -o size=256k tmpfs {0} && head -c 1m /dev/zero > {0}/full || true"
_FULL_BOTH = "; ".join(_FULL.format(folder) for folder in ("/var/lib/edgectl", "/root/.ansible"))
_NO_PYTHON = """\
touch /run/nothing; rm -f /usr/local/bin/python*
for p in $(readlink -f /usr/bin/python3 /usr/bin/python3.* /usr/libexec/platform-python | sort -u); do
  test ! -f $p || mount --bind /run/nothing $p
done
"""


FAULTS = (
    Fault("none"),
    Fault("the port refuses", line=Proxy.refuse),
    Fault("the port answers nobody", line=Proxy.blackhole),
    Fault("no SSH banner", line=_stalls(Milestone.ACCEPT)),
    Fault("the key exchange stalls", line=_stalls(Milestone.KEXINIT)),
    Fault("the login stalls", line=_stalls(Milestone.NEWKEYS)),
    Fault("reset in the task", strike=_line_ends(End.RESET)),
    Fault("half-open in the task", strike=_line_ends(End.FREEZE)),
    Fault(
        "300 ms, 5 % of segments 2 s late",
        line=_always(Line(latency_s=0.3, straggler_share=0.05, straggler_s=2)),
    ),
    Fault("32 kB/s", line=_always(Line(bytes_per_s=32_000))),
    Fault("a login profile that hangs", boot={"prepare": _HANGS}),
    Fault("a banner and a profile that talk", boot={"prepare": _TALKS, "extra": "Banner /etc/banner"}),
    Fault("no Python", boot={"prepare": _NO_PYTHON}),
    Fault("a full disk where the tool writes", boot={"prepare": _FULL_BOTH}),
    Fault("a read-only `/var`", boot={"prepare": "mount -o remount,ro /var"}),
    Fault("`kill -9` of the task's Python", strike=_runner_dies),
    Fault("`kill -9` of the controller, then resumed (Ansible: run again)", strike=_controller_dies),
    Fault("two controllers at once", strike=_another_comes),
)


def played(fault: Fault, tool: Tool, site: Site) -> dict[str, str]:
    """Return what one tool reports under a fault, and what happened at the host."""
    fault.line(site.proxy)
    process = tool.start(site)
    if fault.strike is None or not _has_begun(site, process):
        report = verdict_of(tool, process)
    else:
        report = fault.strike(site, tool, process)
    time.sleep(_QUIET_S)
    return {"host": _in_words(site.machine.run(f"cat {_SEEN} 2>/dev/null || true")), "report": report}


def _has_begun(site: Site, process: subprocess.Popen[str]) -> bool:
    give_up = time.monotonic() + _BEGUN_S
    while time.monotonic() < give_up and process.poll() is None:
        if site.machine.run(f"cat {_SEEN} 2>/dev/null || true"):
            return True
        time.sleep(0.2)
    return False


def _in_words(seen: str) -> str:
    begun, ended = seen.split().count("begun"), seen.split().count("ended")
    match begun, ended:
        case 0, _:
            return "not run"
        case 1, 1:
            return "run once"
        case 1, 0:
            return "cut off half-way"
        case 2, 2:
            return "**run twice**"
        case _:
            return f"**begun {begun} times, ended {ended} times**"


def markdown(rows: list[dict[str, object]]) -> str:
    """Return the README's table."""
    lines = [
        "| fault | task, edgectl | edgectl reports | task, ansible-core | ansible-core reports |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row["fault"]]
        for tool in _TOOLS:
            found = row[tool]
            assert isinstance(found, dict)
            cells += [found["host"], found["report"]]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def recorded() -> list[dict[str, object]]:
    """Return the rows as they were measured last."""
    found = yaml.safe_load(RECORDED.read_text())
    assert isinstance(found, list)
    return found


def record(rows: list[dict[str, object]], readme: Path) -> None:
    """Write down what was measured, and the table between the README's marks."""
    RECORDED.write_text(yaml.safe_dump(rows, sort_keys=False, allow_unicode=True, width=200))
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{markdown(rows)}\n{END}{after}")
