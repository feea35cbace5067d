"""The machine a result was measured on. Read from /proc and /sys and a few compilers: no network,
nothing private.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
from pathlib import Path
from typing import Any

from chinwag_bench.machine.control_groups import cpu_quota, memory_limits
from chinwag_bench.machine.cpu_plan import cpu_list, speeds_note
from chinwag_bench.machine.memory_share import host_memory
from chinwag_bench.machine.runtime_variables import runtime_variables
from chinwag_bench.machine.sysctl import read_sysctl

_SYSCTLS = (
    "fs.file-max",
    "fs.nr_open",
    "kernel.pid_max",
    "net.core.netdev_max_backlog",
    "net.core.rmem_max",
    "net.core.somaxconn",
    "net.core.wmem_max",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.netfilter.nf_conntrack_max",
    "vm.overcommit_memory",
    "vm.swappiness",
)
_COMPILERS = ("c++", "clang++", "cmake", "go", "rustc", "node", "erl", "python3")
_VERSION_ARGUMENT = {
    "go": ["version"],
    "erl": [
        "-noshell",
        "-eval",
        'io:format("OTP ~s~n", [erlang:system_info(otp_release)]), halt().',
    ],
}
_CPU = Path("/sys/devices/system/cpu")


def read_fingerprint() -> dict[str, Any]:
    """Everything that makes two machines differ for these measurements. What can't be read is
    ``None``.
    """
    memory = host_memory()
    return {
        "hostname": platform.node(),
        "system": _os_name(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpu": _cpu(),
        "caches": _caches(),
        "memory_bytes": memory.get("MemTotal"),
        "memory_limit_bytes": min((limit.allowed for limit in memory_limits()), default=None),
        "swap_bytes": memory.get("SwapTotal"),
        "open_files": list(resource.getrlimit(resource.RLIMIT_NOFILE)),
        "processes": list(resource.getrlimit(resource.RLIMIT_NPROC)),
        "sysctl": {name: read_sysctl(name) for name in _SYSCTLS},
        "transparent_huge_pages": _text(Path("/sys/kernel/mm/transparent_hugepage/enabled")),
        "compilers": {name: _version(name) for name in _COMPILERS},
        "python": platform.python_version(),
        "runtime_variables": runtime_variables(),
    }


def _cpu() -> dict[str, Any]:
    first: dict[str, str] = {}
    for line in (_text(Path("/proc/cpuinfo")) or "").split("\n\n", 1)[0].splitlines():
        key, _, value = line.partition(":")
        first[key.strip()] = value.strip()
    flags = first.get("flags", "").split()
    return {
        "model": first.get("model name") or platform.processor() or platform.machine(),
        "logical": os.cpu_count(),
        "usable": sorted(os.sched_getaffinity(0)),
        "quota_cores": cpu_quota(),
        "speeds": speeds_note(os.sched_getaffinity(0)),
        "threads_per_core": _threads_per_core(),
        "mhz": _float(first.get("cpu MHz")),
        "governor": _text(_CPU / "cpu0/cpufreq/scaling_governor"),
        "turbo_off": _text(_CPU / "intel_pstate/no_turbo"),
        "virtual": "hypervisor" in flags,
        "hypervisor": _text(Path("/sys/class/dmi/id/sys_vendor"))
        if "hypervisor" in flags
        else None,
    }


def _float(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _threads_per_core() -> int | None:
    siblings = _text(_CPU / "cpu0/topology/thread_siblings_list")
    try:
        return len(cpu_list(siblings)) if siblings is not None else None
    except ValueError:
        return None


def _caches() -> dict[str, str | None]:
    """Sizes as the kernel writes them ("48K"), by level and type, of the first core."""
    found = {}
    for folder in sorted((_CPU / "cpu0/cache").glob("index*")):
        found[f"L{_text(folder / 'level')} {_text(folder / 'type')}"] = _text(folder / "size")
    return found


def _os_name() -> str | None:
    for line in (_text(Path("/etc/os-release")) or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return None


def _version(command: str) -> str | None:
    arguments = _VERSION_ARGUMENT.get(command, ["--version"])
    try:
        answer = subprocess.run(
            [command, *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = (answer.stdout or answer.stderr).splitlines()
    return lines[0].strip() if lines else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None
