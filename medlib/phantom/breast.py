"""Simulated women with two mammograms, CC and MLO, with cancer or without.

Breast, finding, the texture of each view and the noise of each have random streams of their own.
Cancers are masses with spicules, clusters of calcifications, or both; a part of the women without
cancer has a round, smooth mass.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from medlib.errors import InputError
from medlib.phantom.anatomy import breast as breasts
from medlib.phantom.anatomy.breast import Breast, Finding
from medlib.phantom.scanner import mammography
from medlib.runtime.whole_numbers import as_seed
from medlib.types import Floats, Image

CANCERS: Final = {"mass": 0.55, "calcifications": 0.25, "mass and calcifications": 0.2}
OTHERS: Final = {"none": 0.7, "benign mass": 0.3}
CROP: Final = 240
"""Rows and columns of a crop: 60 mm."""
TASKS: Final = ("crop", "view")


@dataclass(frozen=True)
class SimulatedBreast:
    """Both views (float32 of whole numbers, 0.25 mm a pixel), and what is known exactly."""

    images: dict[str, Image]
    breast: Breast
    finding: Finding


def simulate(
    seed: int, *, cancer: bool, task: str = "crop", density: str | None = None
) -> SimulatedBreast:
    """A woman; the same arguments give the same bytes on every processor.

    task: "crop", 60 mm round the finding, or round a place where one could be; "view", the whole
    breast, 768 x 512. density: one of A to D, else as chance has it. Raises InputError for others.
    """
    if task not in TASKS:
        raise InputError(f"task is {task!r}; choose {' or '.join(map(repr, TASKS))}.")
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(as_seed(seed)).spawn(7)]
    body, what, where, *rest = streams
    breast = breasts.draw(body, density)
    kinds = CANCERS if cancer else OTHERS
    kind = str(what.choice(list(kinds), p=list(kinds.values())))
    finding = breasts.draw_finding(where, breast, kind)
    jitter = where.uniform(-8, 8, (2, 2))
    images = {}
    for k, view in enumerate(breasts.VIEWS):
        rays = breasts.render(breast, finding, view, rest[2 * k])
        image = mammography.acquire(**vars(rays), rng=rest[2 * k + 1])
        images[view] = image if task == "view" else _cut(image, finding.seen(view), jitter[k])
    return SimulatedBreast(images, breast, finding)


def _cut(image: Image, middle: tuple[float, float], jitter: Floats) -> Image:
    """60 mm round a place and a little beside it, moved into the map where it would leave it."""
    x, y = middle[0] + jitter[0], middle[1] + jitter[1]
    column = int(np.rint(x / breasts.PIXEL_MM)) - CROP // 2
    row = int(np.rint(y / breasts.PIXEL_MM)) + (breasts.ROWS - CROP) // 2
    column = min(max(column, 0), breasts.COLUMNS - CROP)
    row = min(max(row, 0), breasts.ROWS - CROP)
    return image[row : row + CROP, column : column + CROP].copy()
