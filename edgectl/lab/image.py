"""What a lab host's disk holds at its first boot: the /etc of a small Debian, and stand-ins on its PATH."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from edgectl.lab import kernel
from edgectl.lab.guest.catalogue import load_catalogue
from edgectl.lab.guest.gpus import DRIVER_PACKAGE, LOADED_DRIVER, new_gpus, read_gpus, write_gpus
from edgectl.lab.guest.packages import Package, read_packages, write_packages
from edgectl.lab.hostroot import LAB_FOLDER
from edgectl.lab.pci import show_pci
from edgectl.lab.procfs import show_boot
from edgectl.lab.stage import SYSTEM_FOLDERS

_HERE = Path("/", LAB_FOLDER)
_ETC = Path("/etc")
_CATALOGUE = _HERE / "edgectl/lab/catalogue.json"
LINKED_PYTHON = "/usr/local/bin/python3"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Programs under /usr/local, and what of edgectl.lab.guest plays them.
STAND_INS = {
    "bin/systemctl": "systemctl:main",
    "bin/systemd-run": "systemd_run:main",
    "bin/journalctl": "journalctl:main",
    "bin/dmesg": "journalctl:dmesg",
    "sbin/reboot": "power:main",
    "sbin/poweroff": "power:main",
    "sbin/halt": "power:main",
    "sbin/shutdown": "power:main",
    "bin/apt-get": "apt_get:main",
    "bin/apt": "apt_get:main",
    "bin/apt-cache": "apt_cache:main",
    "bin/apt-mark": "apt_mark:main",
    "bin/dpkg": "dpkg:main",
    "bin/dpkg-query": "dpkg:query",
    "bin/nvidia-smi": "nvidia_smi:main",
    "libexec/dcgmi": "dcgmi:main",
    "libexec/nvidia-ctk": "nvidia_ctk:main",  # on no PATH before its package is there
    "sbin/edgectl-lab-fault": "fault:main",
    "sbin/sysctl": "sysctl:main",
    "bin/hostnamectl": "small:hostnamectl",
    "bin/timedatectl": "small:timedatectl",
    "sbin/modprobe": "small:modprobe",
    "sbin/lsmod": "small:lsmod",
    "sbin/update-initramfs": "small:nothing",
    "sbin/update-grub": "boot_entries:update_grub",
    "sbin/modinfo": "boot_entries:modinfo",
    "sbin/ldconfig": "small:nothing",
    "bin/sudo": "small:sudo",
}

_USERS = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
edge:x:1000:1000:edge:/home/edge:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
_GROUPS = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
mail:x:8:
sudo:x:27:edge
www-data:x:33:
video:x:44:
users:x:100:
render:x:105:
edge:x:1000:
nogroup:x:65534:
"""
# The lab's own SSH server answers; the unit is there for playbooks that restart it.
_SSH_UNIT = """\
[Unit]
Description=OpenBSD Secure Shell server
[Service]
ExecStart=/bin/sleep infinity
ExecReload=/bin/true
[Install]
WantedBy=multi-user.target
"""
_FILES = {
    "passwd": _USERS,
    "group": _GROUPS,
    "shadow": "".join(f"{line.split(':')[0]}:*:20000:0:99999:7:::\n" for line in _USERS.splitlines()),
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\n",
    "resolv.conf": "# a lab host resolves only what is in /etc/hosts\n",
    "host.conf": "multi on\n",
    "debian_version": "12.11\n",
    "timezone": "Etc/UTC\n",
    "fstab": "",
    "environment": "",
    "profile": f'PATH="{PATH}"\nexport PATH\n',
    "sysctl.conf": "",
    "default/locale": "LANG=C.UTF-8\n",
    "apt/sources.list": "",
    "apt/apt.conf.d/00lab": 'APT::Install-Recommends "false";\n',
    "security/limits.conf": "",
    "systemd/system/ssh.service": _SSH_UNIT,
    "os-release": """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
""",
}
_FOLDERS = (
    "/etc/apt/sources.list.d", "/etc/apt/preferences.d", "/etc/apt/keyrings", "/etc/systemd/system",
    "/etc/sysctl.d", "/etc/modprobe.d", "/etc/modules-load.d", "/etc/security/limits.d", "/etc/sudoers.d",
    "/etc/udev/rules.d", "/etc/cron.d", "/etc/logrotate.d", "/etc/ssl/certs", "/etc/ssh", "/etc/init.d",
    "/etc/edgectl-lab", "/var/lib/edgectl-lab", "/var/lib/dpkg/info", "/var/lib/apt/lists",
    "/var/cache/apt/archives", "/var/log/journal", "/var/spool", "/var/tmp",  # noqa: S108 - the host's own
    "/var/mail", "/var/backups", "/home/edge",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HostImage:
    """What is particular to one host; `python` runs the stand-ins."""

    name: str
    address: str
    gpus: int
    disk_mb: int
    python: str


def install_image(image: HostImage) -> None:
    """Fill the disk at the first boot; at a later one only what a boot renews."""
    if not Path("/etc/passwd").exists():
        _fill(image)
    _renew()


def _fill(image: HostImage) -> None:
    for folder in _FOLDERS:
        Path(folder).mkdir(parents=True, exist_ok=True)
    for name, text in _FILES.items():
        _write(_ETC / name, text)
    _write(_ETC / "fstab", "".join(f"machine /{name} none bind,ro 0 0\n" for name in SYSTEM_FOLDERS))
    _write(_ETC / "hostname", f"{image.name}\n")
    _write(_ETC / "hosts", f"127.0.0.1 localhost\n{image.address} {image.name}\n::1 localhost\n")
    _write(_ETC / "machine-id", f"{os.urandom(16).hex()}\n")
    _write(_ETC / "edgectl-lab/address", f"{image.address}\n")
    Path("/etc/shadow").chmod(0o640)
    Path("/var/tmp").chmod(0o1777)  # noqa: S108 - the host's own folder
    Path("/etc/mtab").symlink_to("/proc/self/mounts")
    Path("/etc/localtime").symlink_to("/usr/share/zoneinfo/Etc/UTC")
    Path("/var/run").symlink_to("/run")
    Path("/var/lock").symlink_to("/run/lock")
    Path("/etc/systemd/system/multi-user.target.wants").mkdir()
    Path("/etc/systemd/system/multi-user.target.wants/ssh.service").symlink_to(
        "/etc/systemd/system/ssh.service"
    )
    _install_stand_ins(image.python)
    _install_controller_python(link=image.python == LINKED_PYTHON)
    _install_base_packages()
    write_gpus(new_gpus(image.name, image.gpus))


_ENGINE = """\
#!/bin/sh
export PYTHONPATH={here}:{here}/site LD_LIBRARY_PATH={here}/python/lib PYTHONDONTWRITEBYTECODE=1
exec {here}/python/bin/{python} -s -m edgectl.lab.engine "$@"
"""


def _install_controller_python(*, link: bool) -> None:
    """Put the engine on the PATH, run by edgectl's own interpreter; with `link` that is `python3` as well."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    engine = Path("/usr/local/bin/edgectl-lab-engine")
    _write(engine, _ENGINE.format(here=_HERE, python=python))
    engine.chmod(0o755)
    if link:
        Path(LINKED_PYTHON).symlink_to(_HERE / "python/bin" / python)
        for library in (_HERE / "python/lib").glob("libpython*.so*"):
            Path("/usr/local/lib", library.name).symlink_to(library)  # where a build for /usr/local looks


def _install_base_packages() -> None:
    offers = [offer for offer in load_catalogue(str(_CATALOGUE)).values() if offer.preinstalled]
    packages = [
        Package(
            offer.name,
            offer.preinstalled,
            offer.architecture,
            depends=offer.depends_of(offer.preinstalled),
            description=offer.description,
        )
        for offer in offers
    ]
    write_packages({package.name: package for package in packages})
    for package in packages:
        _write(Path(f"/var/lib/dpkg/info/{package.name}.list"), "/.\n")


def _load_driver() -> None:
    """Load the installed GPU driver, as a boot does; one installed later waits for the next boot."""
    package = read_packages().get(DRIVER_PACKAGE)
    if package and package.installed:
        _write(Path(LOADED_DRIVER), package.version.partition("-")[0])


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _install_stand_ins(python: str) -> None:
    for place, played_by in STAND_INS.items():
        module, _, function = played_by.partition(":")
        program = Path("/usr/local", place)
        _write(program, _LAUNCHER.format(python=python, module=module, function=function, here=_HERE))
        program.chmod(0o755)


_LAUNCHER = """\
#!{python} -ISB
import sys
sys.path.insert(0, "{here}")
from edgectl.lab.guest.{module} import {function}
sys.exit({function}(sys.argv))
"""


def _renew() -> None:
    for folder in ("/run/systemd/system", "/run/lock"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    _load_driver()
    loaded = Path(LOADED_DRIVER)
    driver = loaded.read_text(encoding="utf-8") if loaded.exists() else ""
    show_pci(read_gpus(), has_driver=bool(driver))
    show_boot(driver)
    _cover_machine_programs()


def _cover_machine_programs() -> None:
    """Put each stand-in also where the machine has the real program, for callers by full path."""
    for place in STAND_INS:
        for real in (Path("/usr/bin", Path(place).name), Path("/usr/sbin", Path(place).name)):
            if real.is_file() and not real.is_symlink():  # links lead to systemctl, which looks at its name
                kernel.bind(Path("/usr/local", place), real)
