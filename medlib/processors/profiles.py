"""Other processors, imitated: environment variables that make libraries take other code paths.

NumPy, OpenBLAS, MKL, oneDNN, torch and the C library each choose their routines by what the
processor can do, and each can be told to take those of an older one. What they compute then
differs in the last digits, as it would on that processor. The variables act when a library is
loaded, so a profile needs a fresh process.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NEWER_THAN_AVX2: Final = "X86_V4 AVX512_ICL AVX512_SPR"
NEWER_THAN_BASELINE: Final = f"X86_V3 {NEWER_THAN_AVX2}"
NO_AVX512: Final = "-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD"
CONTROLS: Final = (
    "NPY_DISABLE_CPU_FEATURES",
    "OPENBLAS_CORETYPE",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "GLIBC_TUNABLES",
    "OMP_NUM_THREADS",
    "MEDLIB_PRECISION",
    "MEDLIB_TRAINING_SEED",
)
"""Every variable that a profile may set; in a profile that does not, it is not set."""


@dataclass(frozen=True)
class Profile:
    """A processor to imitate, or the present one with another seed for its networks."""

    name: str
    meaning: str
    """For a reader: what is done otherwise."""
    variables: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""
    """A flag of the processor without which the profile cannot run (as Linux lists them)."""

    @property
    def is_seed(self) -> bool:
        """Whether networks start from other weights and see their batches in another order."""
        return "MEDLIB_TRAINING_SEED" in self.variables

    def environment(self) -> dict[str, str]:
        """The variables of a process of this profile: those of the present one, changed."""
        kept = {name: value for name, value in os.environ.items() if name not in CONTROLS}
        return {**kept, "OMP_NUM_THREADS": "1", **self.variables}


NATIVE: Final = Profile("native", "this processor, with all it can do")

AGAIN: Final = Profile("again", "this processor once more: what moves here moves by itself")

PROCESSORS: Final = (
    NATIVE,
    AGAIN,
    Profile(
        "avx2",
        "a processor with AVX2 and FMA, without AVX-512 and bf16 (most desktops since 2013)",
        {
            "NPY_DISABLE_CPU_FEATURES": NEWER_THAN_AVX2,
            "OPENBLAS_CORETYPE": "Haswell",
            "MKL_ENABLE_INSTRUCTIONS": "AVX2",
            "ATEN_CPU_CAPABILITY": "avx2",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "GLIBC_TUNABLES": f"glibc.cpu.hwcaps={NO_AVX512}",
            "MEDLIB_PRECISION": "fp32",
        },
    ),
    Profile(
        "baseline",
        "a processor with SSE 4.2 only (2008), in NumPy, BLAS, torch, oneDNN and the C library",
        {
            "NPY_DISABLE_CPU_FEATURES": NEWER_THAN_BASELINE,
            "OPENBLAS_CORETYPE": "Nehalem",
            "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
            "MKL_CBWR": "COMPATIBLE",
            "ATEN_CPU_CAPABILITY": "default",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "GLIBC_TUNABLES": f"glibc.cpu.hwcaps={NO_AVX512},-AVX2,-AVX,-FMA,-FMA4",
            "MEDLIB_PRECISION": "fp32",
        },
    ),
    Profile("zen", "BLAS kernels of AMD's Zen", {"OPENBLAS_CORETYPE": "Zen"}, needs="avx2"),
    Profile(
        "skylakex",
        "BLAS kernels of Intel's Skylake-X",
        {"OPENBLAS_CORETYPE": "SkylakeX"},
        needs="avx512f",
    ),
    Profile(
        "two-threads",
        "two threads wherever a library would take more than one",
        {"OMP_NUM_THREADS": "2"},
    ),
    Profile(
        "fp32",
        "this processor, networks in fp32 also where it has bf16",
        {"MEDLIB_PRECISION": "fp32"},
    ),
)
"""The present processor first."""


def seeds(count: int) -> tuple[Profile, ...]:
    """The present processor with so many other seeds for the training of networks."""
    meaning = "this processor, networks from other first weights and in another order of cases"
    return tuple(
        Profile(f"seed-{k}", meaning, {"MEDLIB_TRAINING_SEED": str(k)}) for k in range(1, count + 1)
    )


def usable() -> tuple[Profile, ...]:
    """The profiles that this processor can imitate, the native one first."""
    from medlib.results.machine import processor_flags  # `--help` does not wait for its tables

    flags = processor_flags()
    return tuple(p for p in PROCESSORS if not p.needs or p.needs in flags)
