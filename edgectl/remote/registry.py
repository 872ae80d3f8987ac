"""Every module edgectl has, by name, written out by hand. A test compares the table with the folder."""

from __future__ import annotations

from edgectl.remote.lean import Any, Dict, import_module

# The name in a playbook -> the file in tasks/. Names that begin with _ are parts of modules.
MODULES: Dict[str, str] = {
    "apt": "apt",
    "apt_hold": "apt_hold",
    "apt_packages": "apt_packages",
    "apt_repository": "apt_repository",
    "assert": "assert_",
    "authorized_key": "authorized_key",
    "bench_load": "bench_load",
    "blob": "blob",
    "blockinfile": "blockinfile",
    "bluefield": "bluefield",
    "bluefield_mode": "bluefield_mode",
    "burn_in": "burn_in",
    "cdi": "cdi",
    "certificate": "certificate",
    "command": "command",
    "copy": "copy",
    "cron": "cron",
    "cuda_check": "cuda_check",
    "dcgm_diag": "dcgm_diag",
    "deb822_repository": "deb822_repository",
    "debug": "debug",
    "disk": "disk",
    "dnf": "dnf",
    "dpkg_selections": "dpkg_selections",
    "fail": "fail",
    "fetch": "fetch",
    "file": "file",
    "find": "find",
    "get_url": "get_url",
    "gpu_fabric": "gpu_fabric",
    "gpu_facts": "gpu_facts",
    "gpu_settings": "gpu_settings",
    "group": "group",
    "hardware_facts": "hardware_facts",
    "health_facts": "health_facts",
    "hostname": "hostname",
    "kernel_cmdline": "kernel_cmdline",
    "known_hosts": "known_hosts",
    "lineinfile": "lineinfile",
    "live_services": "live_services",
    "meta": "meta",
    "modprobe": "modprobe",
    "mount": "mount",
    "nvidia_driver": "nvidia_driver",
    "package": "package",
    "pause": "pause",
    "ping": "ping",
    "reboot": "reboot",
    "reboot_if_due": "reboot_if_due",
    "replace": "replace",
    "script": "script",
    "service": "systemd_service",
    "service_drain": "service_drain",
    "service_prune": "service_prune",
    "service_release": "service_release",
    "service_rollback": "service_rollback",
    "service_secrets": "service_secrets",
    "service_state": "service_state",
    "service_swap": "service_swap",
    "set_fact": "set_fact",
    "setup": "setup",
    "shell": "shell",
    "slurp": "slurp",
    "stat": "stat",
    "sysctl": "sysctl",
    "systemd": "systemd_service",
    "systemd_service": "systemd_service",
    "tempfile": "tempfile",
    "template": "template",
    "timezone": "timezone",
    "unarchive": "unarchive",
    "uri": "uri",
    "user": "user",
    "wait_for": "wait_for",
    "wait_for_connection": "wait_for_connection",
    "weights": "weights",
}

# Modules of the playbook's own, by name: the controller reads them beside it, the host has them from its job.
OWN: Dict[str, Any] = {}


def load(name: str) -> Any:
    """Import a module by the name a playbook uses: only what a job needs is ever compiled at the host.

    A module has `run(args, context) -> TaskResult`, `REPEAT` ("reads", "idempotent" or "once") and `Args`, or
    else `FREE_KEYS` where `run` takes a plain mapping. `FREE_FORM` names the argument that a bare text stands
    for, `TOUCHES` the one with the only file it changes. `PURE` says that it needs no process of its own,
    `STARTS_NOTHING` that it leaves no process behind and may share one, `ENDS_BOOT` that the runner must reboot
    after it, `SHARES` that it reads and bears no changes to the host meanwhile.
    """
    return OWN[name] if name in OWN else import_module(f"edgectl.remote.tasks.{MODULES[name]}")
