"""Folders and zip archives a reader names, opened safely."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from medlib.errors import InputError, did_you_mean
from medlib.runtime.paths import cache_folder


def existing(place: str, kind: str) -> Path:
    """Return the folder or file that ``kind:place`` names; raises InputError if there is none."""
    if not place:
        raise InputError(f"The cohort {kind!r} needs a place: write {kind}:PATH.")
    path = Path(place).expanduser()
    if path.exists():
        return path
    beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = did_you_mean(path.name, beside, f"check the path after '{kind}:'.")
    raise InputError(f"There is no folder or file {path}: {hint}")


def folder(place: str, kind: str) -> Path:
    """Return the folder that is named; a zip is unpacked into the cache first."""
    path = existing(place, kind)
    if path.is_dir():
        return path
    if path.suffix.lower() == ".npz":
        raise InputError(f"{path} holds arrays, no files of its own: write npz:{path}.")
    if zipfile.is_zipfile(path):
        return unpack(path)
    raise InputError(f"{path} is neither a folder nor a zip archive: give one of these.")


def unpack(archive: Path) -> Path:
    """Unpack a zip into a cache folder keyed by its content, once, whole or not at all.

    Raises InputError if it is damaged, too large for the disk, or has members that would land
    outside the folder.
    """
    with archive.open("rb") as file:
        key = hashlib.file_digest(file, "sha256").hexdigest()
    home = cache_folder("unpacked")
    target = home / key[:24]
    if target.is_dir():
        return target
    temporary = Path(tempfile.mkdtemp(dir=home, prefix=".unpack-"))
    try:
        _extract(archive, temporary)
        os.rename(temporary, target)
    except FileExistsError:  # another process was quicker
        pass
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        if not target.is_dir():
            raise InputError(f"{archive} cannot be unpacked ({error}): copy it again.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _extract(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as members:
        needed = sum(member.file_size for member in members.infolist())
        free = shutil.disk_usage(target).free
        if needed > free:
            raise InputError(
                f"{archive} holds {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free: "
                "make room, or set MEDLIB_CACHE to a larger disk."
            )
        for member in members.namelist():
            if not (target / member).resolve().is_relative_to(target.resolve()):
                raise InputError(f"{archive} would write outside its folder: do not use it.")
        members.extractall(target)


def nearest(home: Path, name: str) -> Path:
    """Return the file of that name below a folder: the least deep, then the first by the alphabet.

    Hidden folders and those of macOS are left out. Where there is none, the path where it belongs.
    """
    found = [p for p in home.rglob(name) if not is_hidden(p.relative_to(home))]
    return min(found, key=lambda p: (len(p.parts), p.as_posix()), default=home / name)


def is_hidden(path: Path) -> bool:
    """Return whether a relative path leads through what a system keeps for itself."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def unpacked_beside(home: Path, wanted: str) -> Path:
    """Return ``home`` if it holds files that match ``wanted``, else what its one zip holds.

    Raises InputError if there is neither.
    """
    if next(home.rglob(wanted), None):
        return home
    archives = sorted(home.glob("*.zip"))
    if not archives:
        raise InputError(f"{home} holds no {wanted} and no zip archive: check the folder.")
    return unpack(archives[0])
