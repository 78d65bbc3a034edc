"""Simulated colour photographs of the back of the eye, with three diseases and their mixtures.

Anatomy (`eye`, `retinal_vessels`, `retinal_lesions`) and camera (`fundus_camera`) have random
streams of their own, so the same patient can be seen by another camera, with another pigmentation,
or with one disease more, all else equal.
"""

from dataclasses import dataclass

import numpy as np

from medlib.errors import InputError
from medlib.phantom.anatomy import eye as eyes
from medlib.phantom.anatomy.eye import PIGMENTATIONS, Eye, Layers
from medlib.phantom.anatomy.retinal_lesions import GRADES
from medlib.phantom.scanner.fundus_camera import CAMERAS, Photograph, photograph
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Floats

SIDE_MM = 14.0
"""Side of a picture on the retina: a field of about 45 degrees."""
SIZE = 256
"""Pixels a side."""
REACH_MM = 6.6
"""How far from the middle there are lesions."""


@dataclass(frozen=True)
class SimulatedFundus:
    """One photograph (256 x 256 x 3, 8 bits), and what is known exactly of the eye.

    `layers` on the picture's grid; `pixel_mm` on the retina; `left` where temporal is at the left.
    """

    image: Photograph
    eye: Eye
    layers: Layers
    pixel_mm: float
    left: bool


def simulate(
    seed: int,
    *,
    grade: int = 0,
    glaucoma: bool = False,
    cataract: bool = False,
    pigmentation: str = "lighter",
    camera: str = "A",
    age: float = 60.0,
    size: int = SIZE,
) -> SimulatedFundus:
    """A simulated photograph; the same arguments give the same bytes on every processor.

    grade: of diabetic retinopathy, 0 to 3. Raises InputError for what cannot be simulated.
    """
    _check(grade, pigmentation, camera, age, size)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(as_seed(seed)).spawn(7)]
    eye = eyes.draw(
        streams[:5], pigmentation=pigmentation, age=age, grade=int(grade),
        glaucoma=bool(glaucoma), cataract=bool(cataract), reach_mm=REACH_MM,
    )  # fmt: skip
    left = bool(streams[5].uniform() < 0.5)
    x, y = axes(size)
    layers = eyes.render(eye, x, y)
    shown = photograph(layers.reflectance, CAMERAS[camera], x, y, eye.haze, streams[6])
    turn = slice(None, None, -1) if left else slice(None)
    flipped = Layers(
        layers.reflectance[:, turn], layers.vessels[:, turn], layers.disc[:, turn],
        layers.cup[:, turn], layers.lesions[..., turn],
    )  # fmt: skip
    return SimulatedFundus(np.ascontiguousarray(shown[:, turn]), eye, flipped, SIDE_MM / size, left)


def axes(size: int) -> tuple[Floats, Floats]:
    """Columns and rows of a picture in mm on the retina, 0 in the middle."""
    middle = (np.arange(size, dtype=np.float64) - (size - 1) / 2) * (SIDE_MM / size)
    return middle, middle


def _check(grade: int, pigmentation: str, camera: str, age: float, size: int) -> None:
    """Refuse what cannot be simulated."""
    if grade not in range(len(GRADES)):
        raise InputError(f"grade is {grade!r}; give 0 to {len(GRADES) - 1}.")
    for name, value, known in (
        ("pigmentation", pigmentation, PIGMENTATIONS),
        ("camera", camera, CAMERAS),
    ):
        if value not in known:
            raise InputError(f"{name} is {value!r}; choose one of {', '.join(known)}.")
    if not 18 <= age <= 100:
        raise InputError(f"age is {age!r}; give years from 18 to 100.")
    as_number(size, "size", least=64, most=2048)
