"""`dpkg` and `dpkg-query`: what is installed."""

from __future__ import annotations

import re
import sys
from fnmatch import fnmatch

from edgectl.lab.guest.debversion import satisfies
from edgectl.lab.guest.packages import Package, files_of, read_packages, write_packages

_USAGE = 2
_DEFAULT_FORMAT = "${binary:Package}\\t${Version}\\n"
_WANT = {"install": "i", "hold": "h", "deinstall": "r", "purge": "p", "unknown": "u"}
_STATE = {"installed": "i", "config-files": "c", "not-installed": "n"}
_LIST_HEADER = """\
Desired=Unknown/Install/Remove/Purge/Hold
| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend
|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)
||/ Name           Version      Architecture Description
+++-==============-============-============-=================================
"""


def main(arguments: list[str]) -> int:
    """Run one dpkg command."""
    words = arguments[1:]
    verb = words[0] if words else "--help"
    if verb == "--print-architecture":
        sys.stdout.write("amd64\n")
        return 0
    if verb == "--compare-versions":
        return _compare(words[1:])
    if verb in ("-i", "--install", "-r", "--remove", "-P", "--purge", "--unpack"):
        sys.stderr.write(
            f"dpkg: error: a lab host installs from its archive only: apt-get, not dpkg {verb}\n"
        )
        return _USAGE
    if verb in ("--configure", "--add-architecture", "--audit", "-C", "--print-foreign-architectures"):
        return 0
    if verb in _QUERIES or verb == "--get-selections":
        return query(arguments)
    if verb == "--set-selections":
        return _select(sys.stdin.read())
    sys.stderr.write(f"dpkg: error: the edgectl lab does not play dpkg {verb}\n")
    return _USAGE


def _compare(words: list[str]) -> int:
    try:
        return 0 if satisfies(words[0], words[1], words[2]) else 1
    except (KeyError, IndexError, ValueError):
        sys.stderr.write(
            "dpkg: error: --compare-versions takes three arguments: <version> <relation> <version>\n"
        )
        return _USAGE


def query(arguments: list[str]) -> int:
    """Run one dpkg-query command; 1 where a named package is not known."""
    words = arguments[1:]
    format_ = _DEFAULT_FORMAT
    names: list[str] = []
    verb = ""
    rest = iter(words)
    for word in rest:
        if word in ("-f", "--showformat"):
            format_ = next(rest, "")
        elif word.startswith("-f"):
            format_ = word[2:].removeprefix("=")
        elif word.startswith("--showformat="):
            format_ = word.partition("=")[2]
        elif word.startswith("-"):
            verb = verb or word
        else:
            names.append(word)
    if verb == "--get-selections":
        return _selections()
    if verb not in _QUERIES:
        sys.stderr.write("dpkg-query: error: need an action option\n")
        return _USAGE
    return _QUERIES[verb](names, format_)


def _find(names: list[str]) -> tuple[list[Package], list[str]]:
    packages = read_packages()
    bare = [name.partition(":")[0] for name in names]
    found = [
        packages[name] for name in sorted(packages) if not names or any(fnmatch(name, one) for one in bare)
    ]
    missing = [name for name, one in zip(names, bare) if not any(fnmatch(known, one) for known in packages)]
    return found, missing


def _report(missing: list[str]) -> int:
    for name in missing:
        sys.stderr.write(f"dpkg-query: no packages found matching {name}\n")
    return 1 if missing else 0


def _show(names: list[str], format_: str) -> int:
    found, missing = _find(names)
    for package in found:
        sys.stdout.write(_formatted(package, format_))
    return _report(missing)


def _formatted(package: Package, format_: str) -> str:
    values = fields_of(package)

    def fill(match: re.Match[str]) -> str:
        name, _, width = match[1].partition(";")
        value = values.get(name, values.get(name.capitalize(), ""))
        return f"{value:<{width}}" if width.isdigit() else f"{value:>{width[1:]}}" if width else value

    text = re.sub(r"\$\{([^}]+)\}", fill, format_)
    return text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")


def fields_of(package: Package) -> dict[str, str]:
    """Return what `${…}` stands for in a format."""
    values = dict(line.split(": ", 1) for line in package.paragraph().splitlines() if ": " in line)
    values["binary:Package"] = package.name
    values["db:Status-Abbrev"] = f"{_WANT[package.want]}{_STATE[package.state]} "
    values["db:Status-Want"] = package.want
    values["db:Status-Status"] = package.state
    values["db:Status-Eflag"] = "ok"
    values["source:Package"] = package.name
    values["source:Version"] = package.version
    return values


def _list(names: list[str], _format: str) -> int:
    found, missing = _find(names)
    if found:
        sys.stdout.write(_LIST_HEADER)
    for package in found:
        mark = f"{_WANT[package.want]}{_STATE[package.state]}"
        sys.stdout.write(
            f"{mark}  {package.name:<14} {package.version:<12} {package.architecture:<12} "
            f"{package.description}\n"
        )
    return _report(missing)


def _status(names: list[str], _format: str) -> int:
    found, missing = _find(names)
    sys.stdout.write("\n".join(package.paragraph() for package in found))
    for name in missing:
        sys.stderr.write(f"dpkg-query: package '{name}' is not installed and no information is available\n")
    return 1 if missing else 0


def _files(names: list[str], _format: str) -> int:
    found, missing = _find(names)
    for package in found:
        sys.stdout.write("".join(f"{path}\n" for path in files_of(package.name)))
    for name in missing:
        sys.stderr.write(f"dpkg-query: package '{name}' is not installed\n")
    return 1 if missing else 0


def _selections() -> int:
    for package in read_packages().values():
        sys.stdout.write(f"{package.name}\t\t\t\t\t\t{package.want}\n")
    return 0


def _select(text: str) -> int:
    """Take lines of `package selection`, as `dpkg --get-selections` gives them."""
    packages = read_packages()
    for line in text.splitlines():
        name, want = [*line.split(), "", ""][:2]
        package = packages.get(name.partition(":")[0])
        if package is None or want not in _WANT:
            sys.stderr.write(f"dpkg: warning: package not in status: {name}\n")
            continue
        package.want = want
    write_packages(packages)
    return 0


_QUERIES = {
    "-W": _show, "--show": _show, "-l": _list, "--list": _list, "-s": _status, "--status": _status,
    "-L": _files, "--listfiles": _files,
}  # fmt: skip
