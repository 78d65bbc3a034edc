"""The table the patient lies on."""

from dataclasses import dataclass

import numpy as np

from medlib.phantom.anatomy import tissue as hu
from medlib.phantom.anatomy.geometry import Canvas
from medlib.phantom.anatomy.tissue import Tissue
from medlib.types import Floats


@dataclass(frozen=True)
class Table:
    """Couch: a shell with foam between two arcs; scanner coordinates, mm."""

    top_y: float  # height of the lowest point of its upper face
    half_width: float
    sag: float  # how much its edge stands above its middle
    thickness: float
    shell: float
    shell_hu: float
    style: str  # "crescent" (arcs meet at the edge) or "parallel"


def draw_table(rng: np.random.Generator) -> Table:
    """A couch of one of the usual kinds."""
    return Table(
        top_y=float(rng.normal(122.0, 5.0)),
        half_width=float(rng.uniform(190, 225)),
        sag=float(rng.uniform(24, 55)),
        thickness=float(rng.uniform(18, 42)),
        shell=float(rng.uniform(1.4, 2.6)),
        shell_hu=float(rng.uniform(-150, 250)),
        style=str(rng.choice(["crescent", "parallel"])),
    )


def table_top(table: Table, x: Floats) -> Floats:
    """Y of the upper face over x (scanner coordinates)."""
    top: Floats = table.top_y - table.sag * (x / table.half_width) ** 2
    return top


def paint_table(canvas: Canvas, table: Table) -> None:
    """The couch, painted before the patient."""
    x, y = canvas.across[None, :], canvas.down[:, None]
    top = table_top(table, x)
    bow = (x / table.half_width) ** 2
    tall = (
        table.thickness * (1 - bow) + 3.0 if table.style == "crescent" else table.thickness + 0 * x
    )
    inside = np.maximum(np.maximum(top - y, y - top - tall), np.abs(x) - table.half_width)
    canvas.paint(canvas.cover(inside), table.shell_hu, Tissue.TABLE)
    canvas.paint(canvas.cover(inside + table.shell), hu.TABLE_FOAM_HU, Tissue.TABLE)
