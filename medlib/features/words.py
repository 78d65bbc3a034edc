"""Plain names of hand-made features: what a feature of IBSI's, or of a pattern, looks at."""

import re
from typing import Final, NamedTuple

import numpy as np

from medlib.errors import InputError
from medlib.features.patterns import CELLS, ORIENTATIONS

ROWS: Final = ("top", "upper", "lower", "bottom")
COLUMNS: Final = ("far left", "left", "right", "far right")
SLANTS: Final = (
    "near-upright rising",
    "steep rising",
    "gentle rising",
    "near-level rising",
    "near-level falling",
    "gentle falling",
    "steep falling",
    "near-upright falling",
)
"""Edges by orientation of their gradient, as a line read from left to right."""
AWAY, AROUND = "away from the middle", "around the middle"
CELL: Final = re.compile(r"hog_row_(\d)_column_(\d)_orientation_(\d)")
PATTERN: Final = re.compile(r"lbp_pattern_(\d)")
WAVELET: Final = re.compile(r"wavelet_(LL|HL|LH|HH)_(\d)_(mean_magnitude|standard_deviation)")


class Edges(NamedTuple):
    """What one value of a histogram of oriented gradients counts.

    row, column: of its cell, 0 to 3; clock: where the edges point, in degrees clockwise from up,
    0 to 180; outward: whether that is nearer to the line from the middle of the image than to one
    around it.
    """

    row: int
    column: int
    orientation: int
    clock: float
    outward: bool


def edges(name: str) -> Edges | None:
    """What a feature of gradients counts; None for any other feature."""
    found = CELL.fullmatch(name)
    if not found:
        return None
    row, column, orientation = map(int, found.groups())
    # an edge is at right angles to its gradient, whose angle runs clockwise from rightwards: so
    # the gradient's angle is also that of the edge, clockwise from up
    clock = 180 / ORIENTATIONS * (orientation + 0.5)
    middle = (CELLS - 1) / 2
    radial = np.degrees(np.arctan2(column - middle, middle - row))
    apart = abs((clock - radial + 90) % 180 - 90)
    return Edges(row, column, orientation, clock, bool(apart < 45))


def plain(name: str) -> str:
    """A feature's name in plain words: "hog_row_2_..." is "steep falling edges, lower right, ...".

    Raises InputError for a name that `extract` does not give.
    """
    if name in NAMES:
        return NAMES[name]
    if seen := edges(name):
        place = f"{ROWS[seen.row]} {COLUMNS[seen.column]}"
        return f"{SLANTS[seen.orientation]} edges {place}, {AWAY if seen.outward else AROUND}"
    if found := PATTERN.fullmatch(name):
        return PATTERNS[int(found[1])]
    if found := WAVELET.fullmatch(name):
        how = {"mean_magnitude": "strength", "standard_deviation": "spread"}[found[3]]
        return f"{how} of {'fine' if found[2] == '1' else 'coarse'} {BANDS[found[1]]}"
    raise InputError(f"There is no hand-made feature '{name}'; see the columns of `extract`.")


FAMILIES: Final = {
    "intensity": "greys",
    "glcm": "pairs of neighbours",
    "glrlm": "lines of one grey",
    "glszm": "patches of one grey",
    "lbp": "patterns of eight neighbours",
    "hog": "edges by place and slant",
    "wavelet": "fine and coarse detail",
    "shape": "shape of the outline",
}
"""What the features of a family look at."""
BANDS: Final = {
    "HL": "level edges",
    "LH": "upright edges",
    "HH": "slanting edges and grain",
    "LL": "greys once blurred",
}
PATTERNS: Final = (
    "bright specks: no neighbour as bright",
    "bright ends: 1 neighbour of 8 as bright",
    "bright ends: 2 neighbours of 8 as bright",
    "bright corners: 3 neighbours of 8 as bright",
    "straight edges: 4 neighbours of 8 as bright",
    "dark corners: 5 neighbours of 8 as bright",
    "dark ends: 6 neighbours of 8 as bright",
    "dark ends: 7 neighbours of 8 as bright",
    "dark specks and even ground: all 8 as bright",
    "grain: bright and dark neighbours by turns",
)
GREYS: Final = {
    "mean": "average grey",
    "variance": "spread of the greys",
    "skewness": "lopsidedness of the greys",
    "kurtosis": "rare, very dark or very bright pixels",
    "median": "middle grey",
    "minimum": "darkest pixel",
    "10th_percentile": "grey below which the darkest tenth lies",
    "90th_percentile": "grey above which the brightest tenth lies",
    "maximum": "brightest pixel",
    "interquartile_range": "spread of the middle half of the greys",
    "range": "brightest less darkest pixel",
    "mean_absolute_deviation": "mean distance from the average grey",
    "robust_mean_absolute_deviation": "the same distance without both outer tenths",
    "median_absolute_deviation": "mean distance from the middle grey",
    "energy": "sum of the squared greys",
    "root_mean_square": "size of the greys, whatever their sign",
    "discretised_entropy": "variety of grey levels",
    "discretised_uniformity": "few grey levels fill the image",
}
PAIRS: Final = {
    "joint_maximum": "share of the most frequent pair of neighbours",
    "joint_average": "average level of neighbours",
    "joint_variance": "spread of the levels of neighbours",
    "joint_entropy": "variety of pairs of neighbours",
    "difference_average": "average step between neighbours",
    "difference_variance": "spread of the steps between neighbours",
    "difference_entropy": "variety of steps between neighbours",
    "sum_average": "average sum of two neighbours",
    "sum_variance": "spread of the sums of two neighbours",
    "sum_entropy": "variety of sums of two neighbours",
    "angular_second_moment": "few kinds of pairs fill the image",
    "contrast": "roughness: squared steps between neighbours",
    "dissimilarity": "average step, under its second name",
    "inverse_difference": "smoothness: small steps between neighbours",
    "normalised_inverse_difference": "smoothness, by the number of levels",
    "inverse_difference_moment": "smoothness, large steps forgotten",
    "normalised_inverse_difference_moment": "the same, by the number of levels",
    "inverse_variance": "smoothness among unequal neighbours",
    "correlation": "how well a pixel predicts its neighbour",
    "autocorrelation": "product of neighbours: bright and alike",
    "cluster_tendency": "spread of the sums, under its second name",
    "cluster_shade": "lopsidedness of the sums of neighbours",
    "cluster_prominence": "rare pairs, very dark or very bright",
    "information_correlation_1": "what a pixel tells of its neighbour, first form",
    "information_correlation_2": "what a pixel tells of its neighbour, second form",
}
SHAPES: Final = {
    "area": "area within the outline",
    "pixel_area": "area, by counting pixels",
    "perimeter": "length of the outline",
    "perimeter_to_area_ratio": "length of the outline for its area",
    "circularity": "roundness of the outline",
    "maximum_diameter": "longest distance across",
    "major_axis_length": "length of the outline's ellipse",
    "minor_axis_length": "width of the outline's ellipse",
    "elongation": "width over length",
}


def _of(kind: str, several: str, small: str, large: str, extent: str) -> dict[str, str]:
    """Plain names of the features of runs, or of zones: what both families count alike."""
    return {
        f"low_grey_level_{kind}_emphasis": f"dark {several}",
        f"high_grey_level_{kind}_emphasis": f"bright {several}",
        f"{small}_{kind}_low_grey_level_emphasis": f"{small} dark {several}",
        f"{small}_{kind}_high_grey_level_emphasis": f"{small} bright {several}",
        f"{large}_{kind}_low_grey_level_emphasis": f"{large} dark {several}",
        f"{large}_{kind}_high_grey_level_emphasis": f"{large} bright {several}",
        "grey_level_non_uniformity": f"number of {several}, more if of few greys",
        "normalised_grey_level_non_uniformity": f"{several} that share few greys",
        f"{kind}_{extent}_non_uniformity": f"number of {several}, more if of like {extent}",
        f"normalised_{kind}_{extent}_non_uniformity": f"{several} of like {extent}",
        f"{kind}_percentage": f"number of {several} for the number of pixels",
        "grey_level_variance": f"spread of the greys of {several}",
        f"{kind}_{extent}_variance": f"spread of the {extent} of {several}",
    }


RUNS: Final = _of("run", "lines", "short", "long", "length") | {
    "short_runs_emphasis": "short lines of one grey",
    "long_runs_emphasis": "long lines of one grey",
    "run_entropy": "variety of lines",
}
ZONES: Final = _of("zone", "patches", "small", "large", "size") | {
    "small_zone_emphasis": "small patches of one grey",
    "large_zone_emphasis": "large patches of one grey",
    "zone_size_entropy": "variety of patches",
}
NAMES: Final = {
    f"{family}_{name}": words
    for family, table in {
        "intensity": GREYS,
        "glcm": PAIRS,
        "glrlm": RUNS,
        "glszm": ZONES,
        "shape": SHAPES,
    }.items()
    for name, words in table.items()
}
"""Of the features of greys, neighbours, runs, zones and outlines; the others follow a rule."""
