"""A stand-in for podman's systemd generator: makes a unit of each quadlet that podman 4.4 would make one of.

It knows keys of that version alone, and refuses a file with another one. There are no containers: what the image would
run is the scripted engine of the host, its volumes are the host's folders, its published port is its own.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

QUADLETS = Path("/etc/containers/systemd")
# Of the keys of podman 4.4's podman-systemd.unit(5) those that a model service needs.
KEYS = ("AddDevice", "Environment", "EnvironmentFile", "Exec", "Image", "NoNewPrivileges", "PodmanArgs",
        "PublishPort", "Volume")  # fmt: skip
Sections = dict[str, list[tuple[str, str]]]


def parsed(text: str) -> Sections:
    """Read the sections of a file, in order."""
    sections: Sections = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            sections[name] = []
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            sections[name].append((key, value))
    return sections


def unit_of(sections: Sections) -> str:
    """Return the unit of a quadlet. Raises `ValueError` for a key that podman 4.4 does not know."""
    container = sections.pop("Container")
    unknown = [key for key, _ in container if key not in KEYS]
    if unknown:
        raise ValueError(f"unsupported key '{unknown[0]}' in group 'Container'")
    lines = []
    for name, pairs in sections.items():
        lines += ["", f"[{name}]", *(f"{key}={value}" for key, value in pairs)]
        if name == "Service":
            lines += ["Type=exec", f"ExecStart=/usr/local/bin/scripted-engine {_command(container)}"]
            lines += [f"Environment={value}" for key, value in container if key == "Environment"]
    return "\n".join([*lines, ""])


def _command(container: list[tuple[str, str]]) -> str:
    (asked,) = (value for key, value in container if key == "Exec")
    (published,) = (value for key, value in container if key == "PublishPort")
    address, port, _ = published.split(":")
    words = shlex.split(asked)
    words[words.index("--host") + 1], words[words.index("--port") + 1] = address, port
    for key, value in container:
        if key == "Volume":
            outside, inside, *_ = value.split(":")
            words = [word.replace(f"{inside}/", f"{outside}/") for word in words]
    return shlex.join(words)


def main(normal: str) -> None:
    """Write the units, and the links that start them at boot."""
    for path in sorted(QUADLETS.glob("*.container")):
        sections = parsed(path.read_text())
        wanted_by = [value for key, value in sections.get("Install", []) if key == "WantedBy"]
        try:
            text = unit_of(sections)
        except ValueError as error:
            sys.stderr.write(f"quadlet-generator: {path.name}: {error}\n")
            continue
        unit = Path(normal) / f"{path.stem}.service"
        unit.write_text(text)
        for target in wanted_by:
            folder = Path(normal) / f"{target}.wants"
            folder.mkdir(exist_ok=True)
            (folder / unit.name).symlink_to(f"../{unit.name}")


if __name__ == "__main__":
    main(sys.argv[1])
