"""What a multiverse is run on: some images of some patients, and their features under every view.

Nothing here learns from an image, so all of it may be done before cases are dealt into folds.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import ndimage

from medlib import features
from medlib.cohorts import Cohort
from medlib.imaging import resize
from medlib.models.classifiers import imagenet_features
from medlib.multiverse.analyses import Analyses, analyse
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Array, Reals

Views = dict[tuple[str, str, str], Array]

_MARGIN = 4
"""The central half leaves out this part of the side at each edge."""
_BLUR = 128
"""Parts of the side that the smoothing of an imitated image has as its SD."""


def kept_images(cohort: Cohort, *, patients: int, each: int, seed: int) -> pd.DataFrame:
    """Images to use, some patients a class and at most `each` of a patient, drawn once.

    Columns: row (of the cohort), label, patient, nth (0 for the image that stands for its patient).
    Classes with fewer patients give all they have.
    """
    patients, each = as_number(patients, "patients"), as_number(each, "each")
    rng = np.random.default_rng(as_seed(seed))
    table = pd.DataFrame(
        {"row": np.arange(len(cohort)), "label": cohort.labels, "patient": cohort.groups}
    ).iloc[rng.permutation(len(cohort))]
    table["nth"] = table.groupby(["label", "patient"]).cumcount()
    some = [_first(rng, table, k, patients) for k in (0, 1)]
    chosen = [p in some[k] for k, p in zip(table.label, table.patient, strict=True)]
    return table[np.array(chosen) & (table.nth < each)].sort_values(["label", "patient", "nth"])


def _first(rng: np.random.Generator, table: pd.DataFrame, label: int, count: int) -> Array:
    """So many patients of a class, in random order."""
    return rng.permutation(table.patient[table.label == label].unique())[:count]


def imitated(pictures: Reals, images: pd.DataFrame, each: int) -> tuple[Reals, pd.DataFrame]:
    """Pictures and their table; where each patient has one, a smoothed and a sharpened copy too.

    pictures: n x side x side, 0 to 1, in the order of `images`. At most three a patient.
    """
    if each > 1 and (images.nth == 0).all():
        blur = pictures.shape[-1] / _BLUR
        soft = ndimage.gaussian_filter(pictures, (0, blur, blur))
        sharp = np.clip(2 * pictures - soft, 0, 1)
        pictures = np.concatenate([pictures, soft, sharp][:each])
        images = pd.concat([images.assign(nth=n) for n in range(each)][:3])
    return pictures, images.reset_index(drop=True)


def views_of(pictures: Reals) -> Views:
    """Features of all pictures by crop, size and kind, as `analyse` takes them.

    pictures: n x side x side, 0 to 1. "large" has half the side's pixels, "small" a quarter.
    """
    side = pictures.shape[-1]
    half, views = slice(side // _MARGIN, -(side // _MARGIN)), {}
    for crop, cut in (("whole image", pictures), ("central half", pictures[:, half, half])):
        for size, pixels in (("small", side // 4), ("large", side // 2)):
            x = resize(cut, pixels).clip(0, 1)
            made = features.extract(
                x, families=["intensity", "glcm", "lbp"], levels=16, span=(0, 1)
            )
            first = made.columns.str.startswith("intensity")
            views[crop, size, "ImageNet network"] = imagenet_features(x, size=pixels)
            views[crop, size, "textures"] = made.loc[:, ~first].to_numpy()
            views[crop, size, "first order"] = made.loc[:, first].to_numpy()
    return views


def one_study(
    views: Views, images: pd.DataFrame, *, per_class: int, seed: int, draw: int, deals: int = 1
) -> Analyses:
    """All analyses of one draw of patients, so many of each class, from `views_of` all images."""
    rng = np.random.default_rng([as_seed(seed), draw])
    drawn = np.zeros(len(images), bool)
    for k in (0, 1):
        some = _first(rng, images, k, per_class)
        drawn |= ((images.label == k) & images.patient.isin(some)).to_numpy()
    these = {view: x[drawn] for view, x in views.items()}
    return analyse(these, images[drawn], deals=deals, seed=draw)
