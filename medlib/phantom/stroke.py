"""Simulated heads, one CT slice each: well, with a bleed, or with an infarct of known age."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from medlib.phantom.anatomy import stroke
from medlib.phantom.anatomy.geometry import Grid
from medlib.phantom.anatomy.stroke import Head
from medlib.phantom.scanner import ct
from medlib.runtime.whole_numbers import as_seed
from medlib.types import Image

MAP: Final = Grid(1.0, 240)
"""Where the head is painted: 240 mm a side."""
LEVEL: Final = (0.0, 80.0)
"""Black and white of the brain window, HU."""


@dataclass(frozen=True)
class SimulatedHead:
    """hu: 192 x 192 whole HU as float32; head: what is known exactly; kind: of `stroke.KINDS`."""

    hu: Image
    head: Head
    kind: str


def simulate(seed: int, *, kind: str) -> SimulatedHead:
    """A head of this kind; the same arguments give the same bytes on every processor."""
    body, machine, noise = (
        np.random.default_rng(s) for s in np.random.SeedSequence(as_seed(seed)).spawn(3)
    )
    head = stroke.draw(body)
    ideal = stroke.render(head, kind, MAP)
    scanner = ct.draw_scanner(
        machine, kernel="soft", kvp=120, mas=300.0, slice_thickness_mm=5.0, matrix=192,
        field_of_view_mm=230.0,
    )  # fmt: skip
    images = ct.acquire(ideal[None], pixel_mm=MAP.pixel_mm, scanner=scanner, rng=noise)
    return SimulatedHead(np.asarray(images[0]), head, kind)
