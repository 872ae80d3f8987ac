"""Why a machine lets nobody make the namespaces a lab needs, in words that help."""

from __future__ import annotations

from pathlib import Path

from edgectl.errors import MissingError

_SETTINGS = (
    ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
)


def refusal(reason: str, settings: Path = Path("/proc/sys")) -> MissingError:
    """Return the error that says what the kernel refused and which setting forbids it."""
    for name, forbidding, remedy in _SETTINGS:
        path = settings / name
        if path.is_file() and path.read_text(encoding="utf-8").strip() == forbidding:
            sysctl = name.replace("/", ".")
            return MissingError(
                f"the lab needs user namespaces, and {sysctl}={forbidding} forbids them ({reason})",
                hint=f"sudo sysctl {remedy}, or run edgectl as root, or use hosts of your own with -i",
            )
    return MissingError(
        f"the lab needs user, mount and PID namespaces, and this machine refused them: {reason}",
        hint="inside a container, allow them (docker run --privileged), or run the lab on the machine itself",
    )
