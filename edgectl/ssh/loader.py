r"""The first stage: one command line that finds a Python, becomes root if asked, and loads the runner.

What travels on stdin after it:

    [password line, only where sudo needs one]
    MAGIC digest_of_bundle bundle_bytes is_inline body_bytes request_bytes \\n
    request and job, in one zlib stream of body_bytes
    [the bundle, where it is inline or the host says that it lacks it]

The stage skips lines until MAGIC, because sudo reads the password line only when it wants one. A host keeps the
bundles that it was sent, by digest, in a folder that is its user's alone; what it finds there must have that digest.
"""

from __future__ import annotations

import shlex
import zlib
from typing import NamedTuple, assert_never

from edgectl.remote.errands import Attach, Cancel, Errand, Request, encode_request
from edgectl.remote.job import Job, digest_of, encode_job
from edgectl.ssh.bundle_shelf import BundleShelf

# 126 and 127 are of a Python that cannot be started, such as pyenv's shim for a version that is not there.
# sys.exit(91): this Python is too old, try the next one. It has read nothing by then. Garbage collection and an
# orderly exit would cost 5 ms of 45 and free memory that is freed anyway.
_FIRST_STAGE = """\
import sys,os,gc,zlib
sys.version_info<(3,9)and sys.exit(91)
gc.disable()
i=open(0,"rb",closefd=False)
for l in i:
 if l.startswith(b"MAGIC"):break
else:sys.exit(92)
m,d,n,a,b,r=l.decode().split()
b=zlib.decompress(i.read(int(b)))
for k in"_sha2","_sha256","hashlib":
 try:h=__import__(k).sha256;break
 except ImportError:0
e=os.environ.get
t=e("EDGECTL_HOST_ROOT")
u=os.geteuid()
p=(t or"")+"/var/lib"if t or u==0 else e("XDG_STATE_HOME")or os.path.expanduser("~/.local/state")
p+="/edgectl/runner"
z=k=b""
try:
 s=os.stat(p)
 if a=="0"and s.st_uid==u and not s.st_mode&63:z=open(p+"/"+d,"rb").read()
except OSError:0
if h(z).hexdigest()!=d:
 if a=="0":k=p;os.write(1,b"MAGIC lacks\\n")
 z=zlib.decompress(i.read(int(n)))
f=os.memfd_create("edgectl")
os.write(f,z)
sys.path.insert(0,"/proc/self/fd/%d"%f)
from edgectl.remote.__main__ import main
r=int(r)
main(m,b[:r],b[r:],k and k+"/"+d,z)
os._exit(0)
"""
_PYTHONS = "python3 python3.13 python3.12 python3.11 python3.10 python3.9 /usr/libexec/platform-python"

_FIND_PYTHON = """\
[ -z "${{1-}}" ] || export EDGECTL_HOST_ROOT="$1"
for p in {pythons}; do
command -v "$p" >/dev/null 2>&1 || continue
"$p" -I -S -c {stage}
r=$?
case $r in 91 | 126 | 127) ;; *) exit $r ;; esac
done
echo "{magic} no-python"
"""

# -v asks for the password alone, so that a wrong one never makes sudo eat the job as further attempts.
# The second sudo gets the password again, because a host may be set to forget it at once. The one variable that
# root needs goes as an argument, because sudoers seldom lets a user set any.
_WITH_SUDO = """\
if [ "$(id -u)" = 0 ]; then exec /bin/sh -c {find}; fi
if sudo -n true 2>/dev/null; then exec sudo -n /bin/sh -c {find} edgectl "$EDGECTL_HOST_ROOT"; fi
IFS= read -r w
e=$(printf '%s\\n' "$w" | LC_ALL=C sudo -S -p '' -v 2>&1) || {{
echo "{magic} no-sudo $(echo "$e" | head -n 1)"
exit 93
}}
{{ printf '%s\\n' "$w"; exec cat; }} | sudo -S -p '' /bin/sh -c {find} edgectl "$EDGECTL_HOST_ROOT"
"""


# What a host says that was not sent this bundle before, or lost it: it reads on until it has it.
LACKS = "lacks"
# Above this size a job is mostly files that are packed already; packing them again for each host would cost more
# than it saves.
_PACKED_BYTES = 256 * 1024


class Payload(NamedTuple):
    """What follows the command line on stdin, the password apart: `opening`, and `code` to hosts that lack it."""

    opening: bytes
    code: bytes


def payload(
    errand: Errand,
    magic: str,
    shelf: BundleShelf,
    *,
    after: int = 0,
    confirms: int | None = None,
    inline: bool = False,
) -> Payload:
    """Return what is sent for an errand. With `inline` no host is asked whether it has the code: send both at once."""
    match errand:
        case Job():
            code = shelf.bundle(
                errand.modules() - set(errand.own), _parts_of(errand) | frozenset(errand.needs)
            )
            job = encode_job(errand)
            request = Request(
                "start",
                errand.id,
                digest_of(job),
                after,
                errand.started_by,
                errand.secrets,
                confirms,
                errand.attempt,
            )
        case Attach():
            code, job = shelf.bundle(frozenset(), _parts("follow")), b""
            request = Request("attach", errand.id, after=after)
        case Cancel():
            code, job = shelf.bundle(frozenset(), _parts("follow", "cancel")), b""
            request = Request("cancel", errand.id, after=after, by=errand.by)
        case _:
            assert_never(errand)
    asked = encode_request(request)
    body = zlib.compress(asked + job, 6 if len(job) < _PACKED_BYTES else 0)
    sizes = f"{len(code.content)} {inline:d} {len(body)} {len(asked)}"
    return Payload(f"{magic} {code.digest} {sizes}\n".encode() + body, code.content)


def _parts_of(job: Job) -> frozenset[str]:
    names = ["redact"] if job.secrets else []
    names += ["start"] if job.changes else ["sharing"] if job.shares else []
    return _parts(*names)


def _parts(*names: str) -> frozenset[str]:
    """Return the parts of ours that a request needs, as `remote/__main__.py` imports them."""
    return frozenset(f"edgectl.remote.{name}" for name in names)


def command_line(magic: str, *, become: bool) -> str:
    """Return the one command that is executed at a host.

    It runs under whatever the login shell is, so everything that is not a plain word is for /bin/sh.
    """
    stage = _FIRST_STAGE.replace("MAGIC", magic)
    script = _FIND_PYTHON.format(pythons=_PYTHONS, stage=shlex.quote(stage), magic=magic)
    if become:
        script = _WITH_SUDO.format(find=shlex.quote(script), magic=magic)
    return f"exec /bin/sh -c {shlex.quote(script)}"
