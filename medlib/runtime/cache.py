"""What the cache holds, how much of it, what goes first when it is full, and what is damaged."""

import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR
from typing import Final

from medlib.errors import InputError
from medlib.runtime.paths import cache_home

KINDS: Final = {
    "folds": "finished folds and their models",
    "phantom-chest-ct": "simulated patients",
    "phantom-abdomen": "simulated patients in three modalities",
    "phantom-mammography": "simulated mammograms",
    "phantom-kidney": "simulated patients with a kidney on CT",
    "phantom-fundus": "simulated photographs of eyes",
    "phantom-head-mri": "simulated patients with a glioma",
    "unpacked": "unpacked archives",
    "audits": "audits of data that chapters ran on",
    "copies": "pairs of copies among many images",
    "features": "features of images of several sites",
}
"""Folders of what chapters make again by themselves, which may go at any time."""
PATIENTS: Final = "phantom-chest-ct"
VARIABLE: Final = "MEDLIB_CACHE_LIMIT"
"""Environment variable: the most that is kept after a run, such as 5GB, or "none"."""
DEFAULT: Final = "20GB"
UNITS: Final = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
BLOCK: Final = 512
"""Bytes of what a system counts a file's room in."""
HEAD: Final = 1 << 14
"""Bytes of a DICOM file that are searched for where its pixels begin; ours begin before 2,000."""
PIXELS: Final = b"\xe0\x7f\x10\x00OW\x00\x00"
"""Tag and type of the pixels, the last element of a simulated file (PS3.5 7.1.2)."""


@dataclass(frozen=True)
class Entry:
    """What goes or stays as a whole: a fold with its model, a patient, an archive."""

    kind: str
    paths: tuple[Path, ...]
    size: int
    """Bytes that it takes on the disk."""
    used: float
    """When it was last written or read, in seconds since 1970."""


def entries() -> list[Entry]:
    """All of the cache that chapters make again, the longest unused first."""
    found = (_entry(kind, paths) for kind in KINDS for paths in _groups(cache_home() / kind))
    return sorted(found, key=lambda entry: entry.used)


def other_size() -> int:
    """Bytes of the rest of the cache: settings of programs, numbers of notebooks."""
    home = cache_home()
    rest = [path for path in home.iterdir() if path.name not in KINDS] if home.is_dir() else []
    return sum(_room(stat) for path in rest for stat in _stats(path))


def limit() -> int | None:
    """Bytes that MEDLIB_CACHE_LIMIT allows (20 GB unless it says otherwise), None for no limit.

    Raises InputError where it is no size.
    """
    text = os.environ.get(VARIABLE) or DEFAULT
    return None if text.lower() == "none" else size_of(text, VARIABLE)


def size_of(text: str, where: str) -> int:
    """Bytes of a size such as 5GB or 500 MB; InputError, which names `where`, for other texts."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) *([KMGT]?B)|0", text.strip().upper())
    if not found:
        raise InputError(f"{where} is '{text}', which is no size: write a number and MB or GB, 5GB")
    return round(float(found[1]) * UNITS[found[2]]) if found[1] else 0


def in_words(size: float) -> str:
    """A size as a reader says it: 1.4 GB, 64 MB, 0 MB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def shrink(most: int) -> list[Entry]:
    """Remove the longest unused until no more than `most` bytes are left; return what went."""
    kept = entries()
    total, gone = sum(entry.size for entry in kept), []
    for entry in kept:
        if total <= most:
            break
        _remove(entry.paths)
        total -= entry.size
        gone.append(entry)
    return gone


def keep_limit() -> str:
    """Hold the cache to `limit` after a run; return a sentence where something went, else ""."""
    most = limit()
    gone = [] if most is None else shrink(most)
    if not gone or most is None:
        return ""
    return (
        f"cache: the {len(gone)} longest unused entries ({in_words(sum(e.size for e in gone))}) "
        f"were removed, to keep it below {in_words(most)}; {VARIABLE} sets another limit"
    )


def mend() -> Iterator[str]:
    """Remove simulated patients with a file cut off or missing; yield a sentence for each.

    The next run simulates them again. Folds are looked at when they are read.
    """
    home = cache_home() / PATIENTS
    for folder in sorted(home.glob("[!.]*")) if home.is_dir() else []:
        if damaged := _damaged(folder):
            _remove([folder])
            yield f"{damaged} is damaged or missing: this patient is simulated again"


def _groups(folder: Path) -> Iterator[tuple[Path, ...]]:
    """Paths that belong together: the same name but for the ending; numbers before models."""
    together: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        together.setdefault(path.stem or path.name, []).append(path)
    yield from (tuple(paths) for paths in together.values())


def _entry(kind: str, paths: tuple[Path, ...]) -> Entry:
    stats = [stat for path in paths for stat in _stats(path)]
    # of folders only when they were written: to look into one counts as reading it
    used = [s.st_mtime if S_ISDIR(s.st_mode) else max(s.st_mtime, s.st_atime) for s in stats]
    return Entry(kind, paths, sum(map(_room, stats)), max(used, default=0.0))


def _stats(path: Path) -> Iterator[os.stat_result]:
    """Of a file, or of a folder and all in it; of what another process removes meanwhile, none."""
    below = path.rglob("*") if path.is_dir() else ()
    for each in (path, *below):
        with suppress(FileNotFoundError):
            yield each.lstat()


def _room(stat: os.stat_result) -> int:
    return stat.st_blocks * BLOCK


def _remove(paths: Iterable[Path]) -> None:
    """Remove files, and folders as a whole: renamed first, so that nobody finds half of one."""
    for path in paths:
        with suppress(FileNotFoundError):
            if path.is_dir():
                away = path.with_name(f".removed-{path.name}")
                path.rename(away)
                shutil.rmtree(away)
            else:
                path.unlink()


def _damaged(folder: Path) -> Path | None:
    """The first file of a patient that is missing or cut off."""
    files = [folder / "case.json", folder / "masks.npz", *sorted(folder.glob("dicom/*.dcm"))]
    if len(files) == 2:
        files.append(folder / "dicom")
    return next((path for path in files if not _is_whole(path)), None)


def _is_whole(path: Path) -> bool:
    """Whether a file can be read to its end; to look counts as no use of it."""
    try:
        before = path.stat()
        whole = _CHECKS[path.suffix](path) if path.suffix in _CHECKS else False
    except (OSError, ValueError, zipfile.BadZipFile):
        return False
    with suppress(OSError):
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return whole


def _json_is_whole(path: Path) -> bool:
    return isinstance(json.loads(path.read_text("utf-8")), dict)


def _arrays_are_whole(path: Path) -> bool:
    with zipfile.ZipFile(path) as arrays:
        return arrays.testzip() is None


def _dicom_is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(HEAD)
    start = head.find(PIXELS) + len(PIXELS)  # here stands how many bytes follow
    length = int.from_bytes(head[start : start + 4], "little")
    return PIXELS in head and path.stat().st_size == start + 4 + length


_CHECKS: Final = {".json": _json_is_whole, ".npz": _arrays_are_whole, ".dcm": _dicom_is_whole}
