"""Lines of authorized_keys (sshd(8)): taken apart, compared, put together again."""

from __future__ import annotations

import re

from edgectl.remote.lean import NamedTuple

# Of ssh(1) -Q key, and the names of certificates and security keys.
_KIND = re.compile(
    r"(ssh-(rsa|dss|ed25519)|ssh-xmss@openssh\.com|rsa-sha2-(256|512)|ecdsa-sha2-nistp(256|384|521)"
    r"|(webauthn-)?sk-(ecdsa-sha2-nistp256|ssh-ed25519)@openssh\.com"
    r"|(sk-)?(ssh|ecdsa-sha2|rsa-sha2)-[a-z0-9]+-cert-v01@openssh\.com)"
)
_OPTION = re.compile(r"""(?:[^,"']|"[^"]*"|'[^']*')+""")


class KeyLine(NamedTuple):
    """A key and what stands around it; a line that is no key has no `kind`, and its `text` is the whole of it."""

    text: str
    kind: str = ""
    options: tuple[str, ...] = ()
    comment: str = ""


def parsed(line: str) -> KeyLine:
    """Take a line apart: options, kind, key, comment."""
    words = line.split()
    at = next((number for number, word in enumerate(words) if _KIND.fullmatch(word)), None)
    if at is None or at + 1 >= len(words) or line.lstrip().startswith("#"):
        return KeyLine(line)
    return KeyLine(words[at + 1], words[at], options_of(" ".join(words[:at])), " ".join(words[at + 2 :]))


def options_of(text: str) -> tuple[str, ...]:
    """Return the options of a line, which are parted by the commas outside of quotes."""
    return tuple(_OPTION.findall(text))


def written(line: KeyLine) -> str:
    """Put a line together as Ansible does, its blank before an empty comment included."""
    if not line.kind:
        return line.text if line.text.endswith("\n") else line.text + "\n"
    options = ",".join(line.options)
    return f"{options}{' ' if options else ''}{line.kind} {line.text} {line.comment}\n"
