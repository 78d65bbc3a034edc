"""An npz file of volumes with masks: its arrays by our names, read only if they fit into memory."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import numpy as np
from numpy.lib import format as npy

from medlib.cohorts.sources import archives
from medlib.cohorts.sources.arrays import UNREADABLE
from medlib.errors import InputError
from medlib.types import Array

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "images": ("images", "image", "imgs", "volumes", "x", "data", "arr_0"),
    "masks": ("masks", "mask", "segmentations", "segmentation", "seg", "labels", "y", "arr_1"),
    "patient_ids": ("patient_ids", "patient_id", "patients", "patient", "groups", "ids"),
    "spacing_mm": ("spacing_mm", "spacing", "voxel_mm", "voxel_size", "zooms"),
    "channels": ("channels", "channel_names", "modalities", "sequences"),
    "label_names": ("label_names", "classes", "class_names"),
}
"""Our name of an array in an npz file, and those that are taken for it (case does not matter)."""
NEEDED: Final = ("images", "masks", "patient_ids")
HOW: Final = "numpy.savez(FILE, images=..., masks=..., patient_ids=..., spacing_mm=...)"
MEMINFO: Final = Path("/proc/meminfo")


def read(place: str) -> tuple[Path, dict[str, Array]]:
    """Return the file and its arrays by the names of `NAMES`; options: ``?spacing_mm=1``.

    Raises InputError for a file that is no npz, lacks an array, holds Python objects or more than
    the memory that is free.
    """
    path, options = _place(place)
    try:
        with zipfile.ZipFile(path) as stored:
            found = _by_our_names(_headers(stored), path)
        with np.load(path, allow_pickle=False) as arrays:
            return path, {ours: arrays[theirs] for ours, theirs in found.items()} | options
    except InputError:  # a ValueError too
        raise
    except UNREADABLE as error:
        raise InputError(f"{path} is no readable npz file ({error}): copy it again.") from error


def _place(place: str) -> tuple[Path, dict[str, Array]]:
    """The file, and what stands behind its name: ``?spacing_mm=1``."""
    query = ""
    if not Path(place).exists():
        place, _, query = place.partition("?")
    path = archives.existing(place, "npz")
    if path.is_dir():
        raise InputError(f"{path} is a folder: name the npz file in it, npz:{path}/FILE.npz.")
    if not zipfile.is_zipfile(path):
        raise InputError(
            f"{path} is no npz file, or one that was cut off: copy it again, or make it with {HOW}."
        )
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := [name for name in options if name not in NAMES["spacing_mm"]]:
        raise InputError(f"npz has no option {unknown[0]!r} here: spacing_mm=NUMBER is one.")
    try:
        spacing = np.array([float(value) for value in options.values()])
    except ValueError as error:
        raise InputError(f"spacing_mm of {path.name} is no number ({error}): give mm.") from error
    return path, {"spacing_mm": spacing} if spacing.size else {}


def _headers(stored: zipfile.ZipFile) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Shape and type of each array of a file, none of which is read."""
    found = {}
    for member in stored.namelist():
        if member.endswith(".npy"):
            with stored.open(member) as file:
                first = npy.read_magic(file) == (1, 0)
                header = npy.read_array_header_1_0 if first else npy.read_array_header_2_0
                shape, _, dtype = header(file)
                found[member.removesuffix(".npy")] = (shape, dtype)
    return found


def _by_our_names(
    headers: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]], path: Path
) -> dict[str, str]:
    """The file's name of each array that is ours; all that is needed is there and can be read."""
    by_lower = {name.lower(): name for name in headers}
    found = {
        ours: next(by_lower[name] for name in theirs if name in by_lower)
        for ours, theirs in NAMES.items()
        if any(name in by_lower for name in theirs)
    }
    shapes = ", ".join(f"{name} {shape}" for name, (shape, _) in headers.items())
    if lacking := [name for name in NEEDED if name not in found]:
        raise InputError(
            f"{path.name} holds {shapes or 'nothing'} and lacks {', '.join(lacking)}: it needs "
            "images (n, channels, x, y, z), masks (n, x, y, z) and patient_ids (n)."
        )
    for name in found.values():
        if headers[name][1].hasobject:
            raise InputError(
                f"The array {name} of {path.name}, {headers[name][0]}, holds Python objects, which "
                "are not opened: save it as numbers (or texts) of one shape, for instance as "
                f"numpy.array({name}.tolist())."
            )
    needed = sum(prod(headers[name][0]) * headers[name][1].itemsize for name in found.values())
    if (free := free_memory()) is not None and needed > free:
        raise InputError(
            f"{path.name} holds {shapes}: {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory "
            "are free: save fewer cases, cubes round what is outlined, or larger voxels."
        )
    return found


def free_memory() -> int | None:
    """Return bytes of memory that a program can still have; None where the system does not say."""
    try:
        lines = MEMINFO.read_text("utf-8").splitlines()
    except OSError:
        return None
    return next((1024 * int(x.split()[1]) for x in lines if x.startswith("MemAvailable")), None)
