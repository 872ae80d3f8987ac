"""Who answers here: this boot of this host, this user, this Python."""

from __future__ import annotations

import os
import pwd
import sys

from edgectl.remote.protocol import Hello, encode_message


def boot_id() -> str:
    """Return the kernel's id of this boot."""
    with open("/proc/sys/kernel/random/boot_id") as stream:
        return stream.read().strip()


def hello(*, resumed: bool) -> str:
    """Return the first line of every visit."""
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    return encode_message(Hello(sys.version.split()[0], boot_id(), user, resumed))
