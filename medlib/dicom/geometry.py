"""Frames of one series put in order along the normal, with everything irregular reported.

A series is a regular volume if all its frames share matrix, pixel spacing and orientation, lie on
one line along the normal of that orientation, and follow each other at equal distances. Frames that
do not share the first are left out, the rest is kept; each departure becomes a warning.
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from medlib.dicom.header import Header, Plane
from medlib.types import Floats

# Scanners write positions to 0.01 mm or better; nearer frames are at the same place.
SAME_POSITION_MM = 0.01
# Distances may differ by this share of their median before they count as a gap.
GAP_TOLERANCE = 0.05
# Frames may lie this far off the common normal before the stack counts as sheared (gantry tilt).
SHEAR_TOLERANCE_MM = 0.1
# Direction cosines and pixel spacings (mm) may differ by this much from slice to slice.
GEOMETRY_TOLERANCE = 1e-3
# A warning names this many files at most.
SENTENCE_LIST = 5


class Frame(NamedTuple):
    """One frame of one file."""

    header: Header
    number: int

    @property
    def plane(self) -> Plane:
        """Return where the frame lies."""
        return self.header.planes[self.number]

    @property
    def name(self) -> str:
        """Return the file's name, with the frame's number where the file holds several."""
        several = self.header.layout.frames > 1
        return f"{self.header.path.name}[{self.number}]" if several else self.header.path.name


@dataclass(frozen=True)
class Stack:
    """Frames in order along the normal: `positions` n x 3 mm, `spacing` (dz, dy, dx) mm."""

    frames: tuple[Frame, ...]
    positions: Floats
    orientation: tuple[float, ...]
    spacing: tuple[float, float, float]
    warnings: tuple[str, ...]


def stack(headers: list[Header]) -> Stack:
    """Return the frames of one series in order; what was dropped or is irregular is in `warnings`.

    Where a file does not say, positions, orientation and spacing are NaN.
    """
    notes: list[str] = [
        f"{note} ({count} files)" if count > 1 else note
        for note, count in Counter(note for header in headers for note in header.warnings).items()
    ]
    frames = [Frame(header, index) for header in headers for index in range(header.layout.frames)]
    frames = _one_geometry(frames, notes)
    if any(frame.plane.position is None for frame in frames) or frames[0].plane.orientation is None:
        frames = _by_location(frames, notes)
        along = None
    else:
        frames, along = _by_position(frames, notes)
    return Stack(
        frames=tuple(frames),
        positions=np.array([frame.plane.position or (np.nan,) * 3 for frame in frames]),
        orientation=frames[0].plane.orientation or (np.nan,) * 6,
        spacing=_spacing(frames, along, notes),
        warnings=tuple(notes),
    )


def _one_geometry(frames: list[Frame], notes: list[str]) -> list[Frame]:
    """Keep the largest group of frames with the same matrix, pixel spacing and orientation."""
    groups: list[list[Frame]] = []
    for frame in frames:
        like = next((group for group in groups if _alike(group[0], frame)), None)
        if like is None:
            groups.append([frame])
        else:
            like.append(frame)
    # Ties go to the group that holds the lowest SOP UID, not to the file that was named first.
    largest = min(groups, key=lambda group: (-len(group), min(map(_identity, group))))
    if len(groups) > 1:
        dropped = sorted(frame.name for frame in set(frames) - set(largest))
        notes.append(
            f"{len(groups)} different orientations, matrices or pixel spacings: kept the "
            f"{len(largest)} frames of the largest group, left out {_listed(dropped)}"
        )
    return largest


def _alike(one: Frame, other: Frame) -> bool:
    a, b = one.header.layout, other.header.layout
    if (a.rows, a.columns) != (b.rows, b.columns):
        return False
    return _near(one.plane.orientation, other.plane.orientation) and _near(
        one.plane.spacing, other.plane.spacing
    )


def _near(one: tuple[float, ...] | None, other: tuple[float, ...] | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(abs(a - b) <= GEOMETRY_TOLERANCE for a, b in zip(one, other, strict=True))


def _identity(frame: Frame) -> tuple[float, float, str, int]:
    """Return what decides between frames at one place: acquisition, instance, UID, frame."""
    tags = frame.header.tags
    acquisition, instance = tags.get("AcquisitionNumber", 0.0), tags.get("InstanceNumber", 0.0)
    return float(acquisition), float(instance), frame.header.sop_uid, frame.number


def _uid(frame: Frame) -> tuple[str, int]:
    return frame.header.sop_uid, frame.number


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:SENTENCE_LIST])
    return (
        shown if len(names) <= SENTENCE_LIST else f"{shown} and {len(names) - SENTENCE_LIST} more"
    )


def _by_location(frames: list[Frame], notes: list[str]) -> list[Frame]:
    """Order frames that lack positions: by SliceLocation, else as numbered, and say so."""
    if len(frames) == 1:
        return frames
    if all("SliceLocation" in frame.header.tags for frame in frames):
        notes.append("no ImagePositionPatient: ordered by SliceLocation")
        return sorted(frames, key=lambda f: (f.header.tags["SliceLocation"], _identity(f)))
    if len({frame.header.path for frame in frames}) > 1:
        notes.append("no ImagePositionPatient: ordered by instance number, which may be wrong")
    return sorted(frames, key=_identity)


def normal(orientation: tuple[float, ...]) -> Floats:
    """Return the unit vector at right angles to rows and columns (PS3.3 C.7.6.2.1.1)."""
    cross = np.cross(orientation[:3], orientation[3:])
    return np.asarray(cross / np.linalg.norm(cross), dtype=np.float64)


def _by_position(frames: list[Frame], notes: list[str]) -> tuple[list[Frame], Floats]:
    direction = normal(frames[0].plane.orientation or ())
    distance = {frame: float(np.dot(frame.plane.position or (), direction)) for frame in frames}
    frames = sorted(frames, key=lambda frame: (distance[frame], _identity(frame)))
    kept = _without_duplicates(frames, distance, notes)
    along = np.array([distance[frame] for frame in kept])
    _note_gaps(kept, along, notes)
    _note_shear(kept, direction, notes)
    return kept, along


def _without_duplicates(
    frames: list[Frame], distance: dict[Frame, float], notes: list[str]
) -> list[Frame]:
    """Keep one frame a place, the one acquired first."""
    places: list[list[Frame]] = []
    for frame in frames:
        if places and distance[frame] - distance[places[-1][0]] < SAME_POSITION_MM:
            places[-1].append(frame)
        else:
            places.append([frame])
    kept = [min(place, key=_identity) for place in places]
    if len(kept) < len(frames):
        dropped = set(frames) - set(kept)
        known = {_uid(frame) for frame in kept}
        copies = sum(_uid(frame) in known for frame in dropped)
        notes.append(
            f"{len(dropped)} duplicated slices ({copies} with the SOPInstanceUID of a kept one): "
            f"kept the first acquired of each, left out {_listed(sorted(f.name for f in dropped))}"
        )
    return kept


def _note_gaps(frames: list[Frame], along: Floats, notes: list[str]) -> None:
    steps = np.diff(along)
    if steps.size < 2:
        return
    usual = float(np.median(steps))
    odd = np.flatnonzero(np.abs(steps - usual) > max(GAP_TOLERANCE * usual, SAME_POSITION_MM))
    if odd.size:
        places = [f"{steps[i]:.2f} mm after {frames[i].name}" for i in odd]
        notes.append(f"irregular slice distances, usually {usual:.2f} mm: {_listed(places)}")


def _note_shear(frames: list[Frame], direction: Floats, notes: list[str]) -> None:
    positions = np.array([frame.plane.position for frame in frames])
    offsets = positions - positions[0]
    aside = offsets - np.outer(offsets @ direction, direction)
    furthest = float(np.linalg.norm(aside, axis=1).max())
    if furthest > SHEAR_TOLERANCE_MM:
        notes.append(f"slices are shifted sideways by up to {furthest:.1f} mm (gantry tilt?)")


def _spacing(
    frames: list[Frame], along: Floats | None, notes: list[str]
) -> tuple[float, float, float]:
    tags = frames[0].header.tags
    if along is not None and along.size > 1:
        between = float(np.median(np.diff(along)))
    else:
        between = float(tags.get("SpacingBetweenSlices", tags.get("SliceThickness", np.nan)))
    if frames[0].plane.spacing is None:
        notes.append("no PixelSpacing: lengths in the image plane are unknown")
        return between, np.nan, np.nan
    down, across = frames[0].plane.spacing
    return between, down, across
