"""The computer that numbers were made on."""

import math
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = (
    "medlib", "torch", "timm", "numpy", "scipy", "scikit-learn", "scikit-image", "pydicom",
)  # fmt: skip
"""Packages whose versions are kept beside numbers."""
BF16: Final = {"avx512_bf16", "amx_bf16"}
"""Flags of processors on which networks compute in bf16."""


def environment() -> dict[str, Any]:
    """The machine and versions a number was made with (no clock: a re-run gives the same bytes)."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "bf16_in_hardware": processor_flags() & BF16 != set(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def processor_flags() -> set[str]:
    """What the processor can do, as Linux names it; empty where there is no such table."""
    return set(_cpuinfo("flags").split())


def _cpuinfo(name: str) -> str:
    """The first entry of that name in Linux's table of processors; empty where there is none."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    found = (line.split(":", 1)[1].strip() for line in lines if line.startswith(name))
    return next(found, "")


def _memory_gib() -> int | None:
    """Memory of the machine in GiB, rounded up; None where the system does not tell."""
    if "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return math.ceil(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
