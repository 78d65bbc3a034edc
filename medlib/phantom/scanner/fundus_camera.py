"""A fundus camera: flash, optics, a cloudy lens in the way, sensor and tone curve.

What the retina sends back is lit unevenly, blurred by the optics, and mixed with light that a
cloudy lens scatters; a sensor with shot and read noise catches it through the field stop, and the
camera's white balance and tone curve make 8-bit colours of it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medlib.types import Floats, Mask

Photograph = NDArray[np.uint8]
"""Height x width x 3: red, green, blue."""


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A camera. white: gains of red, green, blue. blur: SD of its optics in mm on the retina.

    field_mm: radius of what it shows. fall: how much darker the rim is. gamma: of the tone curve.
    noise: read noise as a share of white. electrons: that a white pixel catches.
    """

    white: tuple[float, float, float]
    blur: float
    field_mm: float
    fall: float
    gamma: float
    noise: float
    electrons: float


CAMERAS: Final = {
    "A": Camera(white=(1.0, 0.66, 0.64), blur=0.022, field_mm=6.5, fall=0.30, gamma=1.9,
                noise=0.006, electrons=9000),
    "B": Camera(white=(0.85, 0.74, 0.88), blur=0.045, field_mm=6.9, fall=0.55, gamma=2.3,
                noise=0.012, electrons=3500),
}  # fmt: skip
"""A table-top camera, and a cheaper one: softer, noisier, cooler colours, darker at the rim."""


def photograph(
    reflectance: Floats,
    camera: Camera,
    x: Floats,
    y: Floats,
    haze: float,
    rng: np.random.Generator,
) -> Photograph:
    """Return the picture of a reflectance (h x w x 3) on columns `x` and rows `y` (mm)."""
    offset, exposure, slope = rng.normal(0, 0.6, 2), rng.normal(0, 0.10), rng.normal(0, 0.07, 2)
    grains = rng.standard_normal((2, *reflectance.shape))
    pixel = float(x[1] - x[0])
    across, down = x[None, :] / camera.field_mm, y[:, None] / camera.field_mm
    radius = np.hypot(across, down)
    flash = 1 - camera.fall * np.hypot(across - 0.3 * offset[0], down - 0.3 * offset[1]) ** 2
    flash *= 1 + slope[0] * across + slope[1] * down
    light = reflectance * np.maximum(flash, 0.05)[..., None]
    light = _through_lens(light, haze, camera.blur / pixel, 0.9 / pixel)
    lit = light * np.array(camera.white) * float(np.exp(exposure))
    lit *= _meter(lit, radius < 0.9)
    noisy = lit + grains[0] * np.sqrt(np.maximum(lit, 0) / camera.electrons)
    noisy += grains[1] * camera.noise
    inside = np.clip(0.5 + (1 - radius) * camera.field_mm / pixel, 0, 1)[..., None]
    toned = np.clip(noisy, 0, 1) ** (1 / camera.gamma) * inside
    levels: Photograph = np.rint(255 * np.clip(toned, 0, 1)).astype(np.uint8)
    return levels


def _through_lens(light: Floats, haze: float, blur: float, far: float) -> Floats:
    """Optics, and scatter of a share `haze` of the light: some of it near, some everywhere."""
    sharp = ndimage.gaussian_filter(light, (blur, blur, 0), mode="nearest")
    near = ndimage.gaussian_filter(light, (far / 4, far / 4, 0), mode="nearest", truncate=3)
    veil = np.full(3, float(light.mean())) * np.array([0.9, 1.0, 0.95])
    straight = max(0.0, 1 - 1.6 * haze)
    mixed: Floats = straight * sharp + 0.8 * haze * near + 0.7 * haze * veil
    return mixed


def _meter(lit: Floats, inside: Mask) -> float:
    """The operator sets the flash so that the picture is neither dark nor burnt, about."""
    mean = float(lit[inside].mean())
    return float((0.34 / max(mean, 1e-6)) ** 0.7)
