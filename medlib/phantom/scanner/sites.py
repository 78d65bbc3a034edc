"""Eight sites, each with one scanner and one protocol: what differs between hospitals.

Vendor, kernel, tube voltage, dose, slice thickness, pixel spacing and contrast phase are those of
usual chest protocols (screening at low dose, staging with contrast medium, angiography). A crop of
`CROP_PIXELS` has as many millimetres as the spacing of the site makes it: 512 pixels of a field of
view of 320 to 450 mm.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from medlib.errors import InputError

CROP_PIXELS: Final = 64


def _protocol(
    model: str, kernel: str, kvp: int, mas: float, thick: float, field: float, contrast: str
) -> Mapping[str, Any]:
    """Fields of `ct.Scanner` and the contrast phase; `field` is that of the whole slice, mm."""
    return MappingProxyType(
        {
            "model": f"Simulated {model}",
            "kernel": kernel,
            "kvp": kvp,
            "mas": mas,
            "slice_thickness_mm": thick,
            "field_of_view_mm": field / 512 * CROP_PIXELS,
            "contrast": contrast,
        }
    )


SITES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "site 1": _protocol("A", "standard", 120, 150.0, 1.25, 384.0, "none"),
        "site 2": _protocol("B", "sharp", 120, 200.0, 1.0, 320.0, "none"),
        "site 3": _protocol("C", "soft", 120, 120.0, 5.0, 400.0, "venous"),
        "site 4": _protocol("D", "standard", 100, 60.0, 2.5, 352.0, "arterial"),
        "site 5": _protocol("C", "sharp", 140, 30.0, 1.25, 368.0, "none"),
        "site 6": _protocol("D", "soft", 100, 180.0, 3.0, 448.0, "venous"),
        "site 7": _protocol("B", "standard", 120, 20.0, 2.0, 416.0, "none"),
        "site 8": _protocol("A", "soft", 120, 250.0, 1.25, 336.0, "arterial"),
    }
)
"""Name of the site: its scanner and protocol."""
KINDS: Final = ("eight", "same")
"""Eight different sites; or eight names for the scanner of the first."""


def protocol_of(patient: int, kind: str) -> tuple[str, Mapping[str, Any]]:
    """Return site and protocol of patient 0, 1, ...: two neighbours a site, then the next site.

    Raises InputError for a kind of sites that there is not.
    """
    if kind not in KINDS:
        raise InputError(f"sites is {kind!r}; choose one of {', '.join(KINDS)}, or leave it out.")
    name = list(SITES)[patient // 2 % len(SITES)]
    return name, SITES[name if kind == "eight" else next(iter(SITES))]
