"""The table of lies: every program that provisioning calls, four ways to fail it, and the task that must tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tests.hosts.fake_dpu import MEMORY


class Lie(StrEnum):
    """How a program fails its caller."""

    NOTHING = "nothing"
    HALF = "half"
    FAILS = "fails"
    HANGS = "hangs"


class Scene(StrEnum):
    """What is run over the host, so that the program is called."""

    CHAIN = "chain"
    NIC = "a card in NIC mode"
    SWITCHES = "NVSwitches"
    TRAY = "a tray of a rack"
    DISK = "a disk"
    RUNTIME = "runtime"
    TELEMETRY = "telemetry"
    ACCEPT = "accept"
    FIREWALL = "firewall"
    LOGINS = "sshd"


SCRIPTS: Mapping[Lie, str] = {
    Lie.NOTHING: "exit 0",
    Lie.FAILS: "echo 'mutant: no' >&2; exit 1",
    Lie.HANGS: "exec sleep 1000",
}


@dataclass(frozen=True)
class Tool:
    """`half` is what doing half is; `task` tells of every lie, and `told` of those that another task tells of."""

    half: str
    task: str
    told: Mapping[Lie, str] | None = None
    scene: Scene = Scene.CHAIN
    place: str = "/usr/local/sbin"

    def row(self, lie: Lie) -> tuple[str, str]:
        """Return the program that takes its place, and the task that must tell."""
        return SCRIPTS.get(lie, self.half), (self.told or {}).get(lie, self.task)


_ROOM, _ROOM_IS = "preflight / room on the disk", "preflight / room on the disk is enough"
_RUNS, _ONE = "driver / does it run", "driver / one version in the kernel, the libraries and the baseline"
_MODE, _RSHIM = "dpu / mode of every card from its next power cycle on", "dpu / services enabled and running"
_LISTENS = "telemetry / each exporter listens there and nowhere else"
_DISK = "storage / disk for models"
_SKIPPED = (
    """echo '{"DCGM Diagnostic": {"test_categories": [{"category": "Deployment", "tests": ["""
    """{"name": "software", "results": [{"status": "Skip"}]}]}]}}'"""
)

TOOLS: Mapping[str, Tool] = {
    "df": Tool("echo Avail", _ROOM_IS, {Lie.HANGS: _ROOM}),
    "tail": Tool("head -n 1", _ROOM_IS, {Lie.FAILS: _ROOM, Lie.HANGS: _ROOM}),
    "apt-get": Tool(
        '/usr/bin/apt-get "$@" && dpkg --purge --force-depends nvidia-persistenced >/dev/null 2>&1; exit 0',
        "time sync / package",
        {Lie.HALF: "driver / packages"},
    ),
    "dpkg-query": Tool('/usr/bin/dpkg-query "$@" | head -n 3', "time sync / package"),
    "apt-cache": Tool(
        '/usr/bin/apt-cache "$@" | head -n 1', "dpu / packages", {Lie.HANGS: "time sync / package"}
    ),
    "apt-mark": Tool('/usr/bin/apt-mark "$@" | head -n 1', "dpu / hold"),
    "dpkg": Tool(
        '[ "$1" = --set-selections ] && head -n 1 | exec /usr/bin/dpkg "$@"; exec /usr/bin/dpkg "$@"',
        "dpu / hold",
        {Lie.FAILS: "dpu / packages", Lie.HANGS: "dpu / packages"},
    ),
    "systemctl": Tool(
        'for w; do [ "$w" = start ] && exit 0; done; exec /usr/bin/systemctl "$@"', "time sync / running"
    ),
    "update-grub": Tool(
        "mkdir -p /boot/grub; printf '\\tlinux a iommu=pt\\n\\tlinux b\\n' > /boot/grub/grub.cfg",
        "kernel / parameters",
    ),
    "mlxconfig": Tool("/usr/bin/mlxconfig \"$@\" | sed 's/ [A-Z]*([01])$//'", _MODE),
    "mlxconfig set": Tool(
        'case "$*" in *" set "*) echo "Applying... Done!" ;; *) exec /usr/bin/mlxconfig "$@" ;; esac',
        _MODE,
        scene=Scene.NIC,
    ),
    "rshim": Tool(
        f"echo 'INFO[MISC]: NIC firmware update failed' > {MEMORY}/says; exec /usr/sbin/rshim",
        _RSHIM,
        {Lie.HALF: "dpu / each card runs the image"},
    ),
    "update-initramfs": Tool(
        "echo half > /boot/initrd",
        _ONE,
        {Lie.FAILS: "rebuild the initramfs", Lie.HANGS: "rebuild the initramfs"},
    ),
    "modinfo": Tool("echo 580", _RUNS),
    "shutdown": Tool("pkill -f 'sshd: root@'; exit 0", "driver / reboot if due"),
    "nvidia-smi": Tool('/usr/bin/nvidia-smi "$@" | head -n 1', _ONE, {Lie.HALF: "accept / GPU count"}),
    "nvidia-ctk": Tool(
        '/usr/bin/nvidia-ctk "$@"; [ "$2" = list ] || sed -i "/^- name: 1$/d" /etc/cdi/nvidia.yaml; exit 0',
        "runtime / CDI names every GPU",
        scene=Scene.RUNTIME,
    ),
    "ss": Tool("/usr/bin/ss \"$@\" | sed 's/users.*//'", _LISTENS, scene=Scene.TELEMETRY),
    "awk": Tool("exec cat", _LISTENS, scene=Scene.TELEMETRY),
    "dcgmi": Tool(_SKIPPED, "accept / diagnosis by DCGM", scene=Scene.ACCEPT),
    "cat": Tool(
        "echo half",
        "accept / boot before the last one",
        {Lie.NOTHING: "accept / boot after it", Lie.HALF: "accept / boot after it"},
        Scene.ACCEPT,
    ),
    "modprobe": Tool(
        "mkdir -p /sys/module/mlx5_ib",
        "fabric / kernel modules",
        {Lie.NOTHING: "fabric / kernel modules are there", Lie.HALF: "fabric / kernel modules are there"},
        Scene.SWITCHES,
    ),
    "nvidia-imex-ctl": Tool("echo INITIALIZING", "imex / its own word", scene=Scene.TRAY),
    "wipefs": Tool('/usr/sbin/wipefs "$@" | head -n 1', _DISK, scene=Scene.DISK),
    "blkid": Tool('/usr/sbin/blkid "$@" | head -n 1', _DISK, scene=Scene.DISK),
    "mkfs.ext4": Tool(
        'for last; do :; done; exec /usr/sbin/mkfs.ext4 -q -F "$last"', _DISK, scene=Scene.DISK
    ),
    "mount": Tool('shift $(($# - 2)); exec /usr/bin/mount "$1" /mnt', _DISK, scene=Scene.DISK),
    "nft": Tool(
        'case "$*" in *-c*|*delete*|*list*) exec /usr/sbin/nft.real "$@" ;; esac;'
        " exec /usr/sbin/nft.real add table inet edgectl",
        "firewall / policy",
        {Lie.NOTHING: "firewall / rules are in force", Lie.HALF: "firewall / rules are in force"},
        Scene.FIREWALL,
        "/usr/sbin",
    ),
    "sshd": Tool(
        '[ "$1" = -T ] || exec /usr/sbin/sshd.real "$@"; /usr/sbin/sshd.real -T | grep -v ^password',
        "sshd / policy",
        {Lie.NOTHING: "sshd / policy is what sshd reads", Lie.HALF: "sshd / policy is what sshd reads"},
        Scene.LOGINS,
        "/usr/sbin",
    ),
}
# Programs whose silence nothing can hang on, and why; and words that stand where programs do and are none.
UNJUDGED: Mapping[str, str] = {
    "dmesg": "asked where the kernel's own log cannot be read; an empty log is not a lie",
    "journalctl": "quoted where a service failed already",
    "file": "what kind a file is, which no playbook asks",
    "lsattr": "which attributes a file has, which no playbook asks",
    "dpkg-deb": "reads packages from files, which no playbook installs",
    "mkfs.xfs": "storage.yaml makes ext4",
    "grep": "says whether sshd reads its drop-ins; what sshd says itself is asked after it",
    "sysctl": "the kernel's settings are this machine's; tests/remote has its lies",
}
NO_PROGRAMS = frozenset({"dist-upgrade", "install", "linux", "linuxefi", "nothing", "remove", "upgrade"})


def rows(*scenes: Scene) -> Iterator[tuple[str, Lie]]:
    """Yield every row of these scenes."""
    return ((name, lie) for name, tool in TOOLS.items() if tool.scene in scenes for lie in Lie)
