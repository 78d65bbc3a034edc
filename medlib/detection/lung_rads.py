"""Lung-RADS as a rule: the size categories of nodules, version 2022, and growth.

Left out: juxtapleural and airway nodules, cysts, benign calcification, category 0, solid parts
that are new or grow, and the additional features of 4X. Source: American College of Radiology,
Lung-RADS v2022 (Christensen et al., Chest 2024;165:738).
"""

from typing import Final

import numpy as np

from medlib.errors import InputError

CATEGORIES: Final = ("1", "2", "3", "4A", "4B")
"""From nothing found to the most suspicious."""
GROWN_MM: Final = 1.5
"""More than this, in mean diameter and within twelve months, is growth."""
_BOUNDS: Final = {
    "solid": ((6.0, "2"), (8.0, "3"), (15.0, "4A"), (np.inf, "4B")),
    "ground-glass": ((30.0, "2"), (np.inf, "3")),
}
_SOLID_PART: Final = ((6.0, "3"), (8.0, "4A"), (np.inf, "4B"))


def at_baseline(density: str, diameter_mm: float, solid_mm: float | None = None) -> str:
    """Return the category of a nodule at a first scan; sizes are mean diameters.

    density: "solid", "part-solid" (then `solid_mm` is the diameter of its solid part) or
    "ground-glass". Raises InputError for anything else.

    >>> [at_baseline("solid", d) for d in (5.9, 6, 8, 15)]
    ['2', '3', '4A', '4B']
    """
    size = _checked(diameter_mm)
    if density in _BOUNDS:
        return _below(_BOUNDS[density], size)
    if density != "part-solid":
        raise InputError(f"density is {density!r}; give solid, part-solid or ground-glass.")
    if solid_mm is None:
        raise InputError("A part-solid nodule is judged by its solid part: give solid_mm.")
    if not 0 < solid_mm <= size:
        raise InputError(
            f"The solid part of a nodule of {size:g} mm measures {solid_mm:g} mm: give at most its "
            "diameter."
        )
    return "2" if size < 6 else _below(_SOLID_PART, solid_mm)


def grown(first_mm: float, second_mm: float, months: float) -> bool:
    """Return whether the mean diameter has grown; `months` between the scans, at most 12."""
    if not 0 < months <= 12:
        raise InputError(f"{months:g} months lie between the scans: growth is defined within 12.")
    return round(_checked(second_mm) - _checked(first_mm), 6) > GROWN_MM


def at_follow_up(
    density: str, first_mm: float, second_mm: float, months: float, solid_mm: float | None = None
) -> str:
    """Return the category of a nodule seen before: a solid one that has grown is 4A or 4B.

    What has not grown keeps the category of its size here (the full rules step it down in time).
    """
    now = at_baseline(density, second_mm, solid_mm)
    if density == "solid" and grown(first_mm, second_mm, months):
        return "4A" if second_mm < 8 else "4B"
    return now


def of_patient(categories: list[str]) -> str:
    """Return the highest category; "1" where there is no nodule. InputError for another name."""
    for name in categories:
        if name not in CATEGORIES:
            raise InputError(f"{name!r} is no category: give one of {', '.join(CATEGORIES)}.")
    return max(categories, key=CATEGORIES.index, default="1")


def _checked(size_mm: float) -> float:
    if not 0 < size_mm < 300:
        raise InputError(f"A nodule of {size_mm:g} mm: give a diameter in mm, above 0.")
    return float(size_mm)


def _below(bounds: tuple[tuple[float, str], ...], size: float) -> str:
    return next(name for bound, name in bounds if size < bound)
