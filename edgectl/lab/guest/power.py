"""`reboot`, `poweroff`, `shutdown`."""

from __future__ import annotations

import os
import sys
import time

from edgectl.lab.guest.bus import ask

PROGRAMS = ("reboot", "poweroff", "halt", "shutdown")


def main(arguments: list[str]) -> int:
    """Reboot or halt at once, or as `shutdown` says when."""
    name, *words = arguments
    program = os.path.basename(name)
    if program != "shutdown":
        ask({"do": "power", "kind": program})
        return 0
    if "-c" in words:
        ask({"do": "cancel-power"})
        return 0
    kind = "reboot" if any(word in ("-r", "--reboot") for word in words) else "poweroff"
    delay = _delay_s(next((word for word in words if not word.startswith("-")), "+1"))
    ask({"do": "power", "kind": kind, "after_s": delay})
    if delay:
        moment = time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() + delay))
        sys.stderr.write(f"Shutdown scheduled for {moment}, use 'shutdown -c' to cancel.\n")
    return 0


def _delay_s(when: str) -> float:
    """Read `now`, `+minutes` or `hh:mm`."""
    if when == "now":
        return 0.0
    if ":" in when:
        hours, minutes = (int(part) for part in when.split(":"))
        now = time.gmtime()
        wanted = (hours - now.tm_hour) * 3600 + (minutes - now.tm_min) * 60 - now.tm_sec
        return float(wanted % 86_400)
    return float(when.lstrip("+")) * 60
