"""What tissues of the abdomen are made of, as seen by X-rays, by a magnet and by sound.

Sources. Attenuation of X-rays in HU: as `tissue`. T1 and T2 at 3 T: de Bazelaire et al., Radiology
230 (2004) 652, in vivo; blood: Stanisz et al., Magn. Reson. Med. 54 (2005) 507. Attenuation of
sound: Diagnostics 13 (2023) 855, table 4. Impedance: Sensors 23 (2023) 5942, table A2, and Szabo,
*Diagnostic Ultrasound Imaging*, 2nd ed. (2014), appendix B. Proton densities (water 1) and echo
amplitudes (liver 1) are round numbers in the order that textbooks give.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from medlib.types import Floats


@dataclass(frozen=True, kw_only=True)
class Substance:
    """One tissue: HU; T1 and T2 in ms; protons (water 1); echo, attenuation and impedance of sound.

    `echo` is the root mean square of what scatters back (liver 1), `attenuation` in dB / cm / MHz,
    `impedance` in MRayl.
    """

    hu: float
    t1: float = 1000.0
    t2: float = 50.0
    protons: float = 0.8
    echo: float = 1.0
    attenuation: float = 0.5
    impedance: float = 1.65


def _bone(hu: float, protons: float) -> Substance:
    return Substance(hu=hu, t1=586, t2=49, protons=protons, echo=1.5, attenuation=15, impedance=6.5)


SUBSTANCES: Mapping[str, Substance] = MappingProxyType(
    {
        "air": Substance(hu=-1000, protons=0, echo=0, attenuation=0, impedance=1.65),
        "gas": Substance(hu=-1000, protons=0, echo=2, attenuation=15, impedance=0.0004),
        "fat": Substance(
            hu=-100, t1=382, t2=68, protons=0.9, echo=0.9, attenuation=0.63, impedance=1.39
        ),
        "skin": Substance(hu=40, t1=900, t2=30, protons=0.6, attenuation=0.35, impedance=1.99),
        "muscle": Substance(
            hu=50, t1=898, t2=29, protons=0.8, echo=0.5, attenuation=1.0, impedance=1.68
        ),
        "liver": Substance(hu=58, t1=809, t2=34, impedance=1.65),
        "spleen": Substance(hu=48, t1=1328, t2=61, echo=1.1, attenuation=0.4, impedance=1.65),
        "renal cortex": Substance(hu=34, t1=1142, t2=76, echo=0.7, attenuation=1.0, impedance=1.63),
        "renal medulla": Substance(
            hu=32, t1=1545, t2=81, protons=0.85, echo=0.4, attenuation=1.0, impedance=1.62
        ),
        "pancreas": Substance(hu=42, t1=725, t2=43, echo=1.3, impedance=1.65),
        "blood": Substance(
            hu=42, t1=1932, t2=275, protons=0.1, echo=0.03, attenuation=0.15, impedance=1.66
        ),
        "fluid": Substance(
            hu=8, t1=4000, t2=1500, protons=1, echo=0.02, attenuation=0.0022, impedance=1.5
        ),
        "bowel": Substance(hu=35, t1=900, t2=55, echo=0.8, attenuation=0.7, impedance=1.63),
        "marrow": _bone(170, 0.6),
        "compact bone": _bone(900, 0.05),
    }
)
"""Tissues that are the same in every patient; what a lesion is made of is drawn."""

CALCIUM = Substance(hu=700, protons=0.3, echo=0.5, attenuation=0.6, impedance=1.65)
"""Fine calcium salts among cells: dense to X-rays, too fine to reflect sound like a stone."""


def values(substances: Sequence[Substance], name: str) -> Floats:
    """One property of several substances, in order."""
    return np.array([getattr(each, name) for each in substances], dtype=np.float64)
