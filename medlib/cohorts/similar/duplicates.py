"""Images that are copies of one another: exact, altered, flipped, turned or cropped.

Two images are *exact* duplicates if their decoded pixels are equal. They are *near* duplicates
if one can be had from the other by what happens to files and in augmentation, not to patients:
`near_duplicates.py` says how they are found.

Found, of copies of IQ-OTH/NCCD slices at 64 pixels a side (two stretches of the list, 260 slices,
many of them neighbours that hardly differ), pairs of copy and original that are listed:

- cropped by 2 % a side: 52 of 52; by 10 %: 50 of 52; off the middle by 5 %: 52 of 52, by 10 %: 52
  of 52; flip or not, up to 5 degrees, a crop of 8 %, brightness and JPEG 60 at once: 52 of 52;
- counted with 8 partners an image instead of 12, and with more places of larger crops: all of 41 to
  44 of each kind, turned by 90, 180 and 270 degrees and by 2 and 5, flipped, transposed, inverted,
  of half the size, cropped by 2 and 5 % a side, with text in two corners, another brightness,
  contrast or gamma, noise, and JPEG quality 20, 30 and 60. Each copy not listed with its original
  was linked to it through its neighbours.

In a round mask, made photographs of 256 pixels, counted before larger parts were compared and with
8 partners: all of 320 copies of 40 with mottling only, 8 to 16 of each kind (none of 16 crops by 10
% before); of 160 copies of 40 with vessels, skimage's retina among them, all but 3 of 8 crops by 10
%.

Not measured: larger turns and crops, elastic changes; with the present code, sizes other than 64
pixels; text across the middle of a masked image, which `likeness` does not forgive.

False alarms: of 120 different made photographs in a round mask (each of three kinds, 64 pixels),
the second half reduced to 1/2, 1/3 and 1/4: none (up to 7 and 480 pairs at 1/2 and 1/4 before
larger parts were compared); to 1/5, 13 pixels: 0, 1 and 4 pairs. Of 120 mammogram-like, 120
ultrasound-like and 120 simulated CT images alike: none. (Counted with 8 partners.) Of 1,054
different IQ-OTH/NCCD slices 3,385 pairs are listed: neighbouring slices of one scan, taken for
copies where they hardly differ at 48 pixels; 208 of them lie across 23 pairs of surrogate groups,
which may be parts of one scan and were not all looked at. Neighbours belong in one fold as well,
but they are no copies: look at the pairs before anything is left out.

All limits were chosen on the sets above. On sets that none was chosen on, 48 pixels compared:

- 300 LUNA16 patches of 50 pixels, evenly spaced in the list, so mostly of different scans: no pair
  of 44,850; of 40 copies of each kind were found 38 cropped by 10 % and with noise of SD 8, 39 with
  JPEG 30, all 40 of half the size, turned by 3 and by 90 degrees, mirrored, inverted, cropped by
  5 %, off the middle by 8 %, with a gamma of 1.4, and flipped, turned, cropped and compressed.
- 54 patients of TCGA lung CT, 100 slices: none of 4,880 pairs of different patients.
- 16 simulated chests of another seed, 24 slices each: none of 69,120 pairs of different patients.
  Of one patient *all* 610 pairs of slices up to 6 mm apart are listed, 346 of 481 at 7.5 to 10
  mm, and some up to 30 mm, with correlations of 0.960 to 0.998 (median 0.980): no limit tells a
  neighbouring slice from an altered copy.
- 300 patches of 96 pixels of 14 pictures of scikit-image: 34 of 44,850 pairs, 32 of them with
  patches on the rim of its retina, which show an arc and little else. Such pairs are no copies. Of
  40 copies of each kind 30 cropped by 10 %, 32 with noise, 35 with JPEG 30, and 39 or 40 of all
  other kinds.

Among more than 1,500 images the search is quicker (`search.QUICK`; the audit says so). Of copies of
25 LUNA16 patches among all 8,106, the original was among the 12 likeliest partners in the thorough
and in the quick search, of 25: cropped off the middle by 8 % a side 24 and 21, by up to 8 % 25 and
24, cropped by 10 % 24 and 24, written on 22 and 24, all 25 of 12 other kinds. The quick search
lays 6 partners on each image, not 12: of 189 copies among its 12 likeliest, 188 are among these.
The 8,106 take 38 seconds of processor time.

1,054 images take 20 seconds of one busy core; the time of the search grows with the square of their
number. Of an image with more than twelve copies not all pairs are listed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from medlib.cohorts.similar.near_duplicates import near_duplicates
from medlib.imaging import resize
from medlib.types import Images, Integers

if TYPE_CHECKING:
    from medlib.cohorts.cohort import Cohort

FINE: Final = 48
"""Pixels a side of a thumbnail: keeps organs and vessels, loses compression artefacts."""


def thumbnails(cohort: Cohort) -> Images:
    """Return n x 48 x 48 thumbnails, stretched to a square so that stretched copies match."""
    return np.stack(cohort.map(lambda image: resize(image, FINE)))


def find_duplicates(cohort: Cohort, stack: Images | None = None) -> pd.DataFrame:
    """Return one row a duplicate: ``i, j`` (rows of the table), ``kind``, ``correlation``.

    An image with several copies is listed once for each later copy (``exact``: j is a copy of
    the first, i); near duplicates are pairs of images that are not exact copies.
    """
    hashes = cohort.table.sha256
    first = ~hashes.duplicated()
    origin = dict(zip(hashes[first], hashes.index[first], strict=True))
    exact = [(origin[hashes[j]], j, "exact", 1.0) for j in hashes.index[~first]]
    rows = np.flatnonzero(first)
    stack = thumbnails(cohort) if stack is None else stack
    near = [(rows[i], rows[j], kind, c) for i, j, kind, c in near_duplicates(stack[rows])]
    return pd.DataFrame(exact + near, columns=["i", "j", "kind", "correlation"])


def joined(i: Integers, j: Integers, *, n: int) -> Integers:
    """Return the number of the set each of n images is in when images i and j are linked."""
    links = sparse.coo_matrix((np.ones(len(i)), (i, j)), shape=(n, n))
    groups: Integers = csgraph.connected_components(links, directed=False)[1]
    return groups.astype(np.int64)
