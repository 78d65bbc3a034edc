"""Which cases a study develops on, which it tests on once, and at what size it looks at them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from medlib.cohorts import Cohort, is_simulated, load
from medlib.cohorts.audit.leaks import LeakageError, assert_patients_apart
from medlib.cohorts.cohort import names
from medlib.cohorts.similar.duplicates import find_duplicates, joined, thumbnails
from medlib.cohorts.similar.near_duplicates import near_duplicates
from medlib.errors import InputError
from medlib.types import Bools

NO_TEST: Final = "none"
"""What a reader gives as `test` to have a split that comes with the data left alone."""
MOST_SHARED: Final = 0.75
"""Share of patients that two draws may have in common before drawing again shows little."""
BOOK_SIZE: Final = 64
"""Pixels a side of the simulated patients of the book."""
SIZES: Final = (32, 64, 96, 128, 160, 192, 224)
"""Pixels a side that a network's five halvings divide without a rest, up to ImageNet's."""
PIXELS: Final = 50 * 96**2
"""Pixels of all images together up to which more than 64 a side are taken: some 10 minutes."""


class StudyCases(NamedTuple):
    """The cases of a study.

    `pool` is all that development may use, `cases` those of it that it uses, `external` the cases
    of an external test or None; `said` tells all this in sentences.
    """

    pool: Cohort
    cases: Cohort
    external: Cohort | None
    said: str


def load_study(
    spec: str,
    *,
    classes: str = "",
    per_class: int = 25,
    pool_per_class: int = 100,
    test: str = "",
    seed: int = 0,
) -> StudyCases:
    """Return the cases of a study; `spec` and `classes` as `load` takes them, several classes too.

    ``per_class`` patients of each class, one image each, are drawn; 0 takes all images of all.
    Surrogate groups whose images are copies of one another are joined, so that no split tears them.
    ``test`` is a cohort to test on once; "" takes the part of the data whose ``split`` begins with
    "test", if there is one; "none" leaves a split alone. ``pool_per_class`` simulated patients are
    made. Raises InputError for data that cannot be used, and LeakageError for a patient or equal
    image both in development and in the test; of images that only look alike `said` tells.
    """
    made = pool_per_class if is_simulated(spec) else None
    every = load(spec, classes=classes or None, several=True, seed=seed, per_class=made)
    pool, external = _apart(every, test)
    cases = _copies_together(pool.draw(per_class, seed=seed) if per_class else pool)
    said = _said(pool, cases, external, per_class) + _look_alikes(pool, external)
    return StudyCases(pool, cases, external, said)


def _apart(every: Cohort, test: str) -> tuple[Cohort, Cohort | None]:
    """Development and external test."""
    if test and test != NO_TEST:
        external = load(test, classes=list(every.classes), several=True)
        _require_one_scale(every, external, test)
        _require_no_copies(every, external)
        return every, external
    own = _own_test(every)
    if test == NO_TEST or own is None:
        return every, None
    # a note of the loader that a split is pooled is not true here
    kept = tuple(note for note in every.notes if "split of its own" not in note)
    every = replace(every, notes=kept)
    development, external = every.select(~own), every.select(own)
    try:
        assert_patients_apart(every.table.patient_id, own, name=every.name)
        _require_no_copies(development, external)
    except LeakageError as error:
        said = str(error).rpartition(": ")[0]
        raise LeakageError(
            f"The test split that comes with {every.name} leaks ({said}); mend the split, or write "
            "-p test none to leave it alone and cross-validate all cases."
        ) from error
    return development, external


def _require_one_scale(every: Cohort, external: Cohort, test: str) -> None:
    """Raise InputError where equal numbers are no equal grey in the two cohorts."""
    hu = [cohort.units == "HU" for cohort in (every, external)]
    if hu[0] == hu[1] and every.grey_range == external.grey_range:
        return
    scales = [
        f"{cohort.units} (black {cohort.grey_range[0]:g}, white {cohort.grey_range[1]:g})"
        for cohort in (external, every)
    ]
    raise InputError(
        f"test {test}: its pixels are in {scales[0]} and those of {every.name} in {scales[1]}; "
        f"{_one_scale(every, external, hu)}."
    )


def _one_scale(every: Cohort, external: Cohort, hu: list[bool]) -> str:
    """What to do about two scales, as it is typed."""
    if hu[0] != hu[1]:
        whose = "the test's name" if hu[0] else "the cohort's name"
        return (
            f"if all of them are Hounsfield units add ?units=HU to {whose}, else give both as "
            "DICOM, or both as pictures of one window"
        )
    if min(every.grey_range[0], external.grey_range[0]) < 0:
        return "convert the files of one of them as those of the other were made"
    dim = "the test's name" if external.grey_range[1] < every.grey_range[1] else "the cohort's name"
    white = max(every.grey_range[1], external.grey_range[1])
    return (
        f"if equal numbers mean equal grey in both, add ?full_scale={white:g} to {dim}, else "
        "convert the files of one of them to the scale of the other"
    )


def _copies_together(cases: Cohort) -> Cohort:
    """The cohort with surrogate groups that hold copies of one another as one group."""
    if cases.patient_id_kind != "surrogate":
        return cases
    pairs = find_duplicates(cases)
    group, table = cases.groups, cases.table
    i, j = group[pairs.i.to_numpy(int)], group[pairs.j.to_numpy(int)]
    number = int(group.max()) + 1
    together = joined(i, j, n=number)
    fewer = number - len(np.unique(together))
    if not fewer:
        return cases
    first = table.patient_id.groupby(together[group]).transform("first")
    table["patient_id"] = first
    note = f"Groups that seem to hold copies of one another count as one: {fewer} fewer."
    return replace(cases, table=table).noted(note)


def _own_test(every: Cohort) -> Bools | None:
    """Which images the data's own split calls test; None where it calls all or none so."""
    if "split" not in every.table:
        return None
    own = every.table.split.astype(str).str.lower().str.startswith("test").to_numpy(bool)
    developed = set(every.table.label[~own])
    return own if own.any() and developed == set(every.classes) else None


def _require_no_copies(development: Cohort, external: Cohort) -> None:
    """Raise LeakageError for an image of the test that development has too, of equal pixels."""
    same = external.table.image_id[external.table.sha256.isin(development.table.sha256)]
    if len(same):
        raise LeakageError(
            f"{len(same)} images of the test are copies of images of development, first "
            f"{str(same.iloc[0])!r} (equal pixels): take them out of one of the two."
        )


def _look_alikes(development: Cohort, external: Cohort | None) -> str:
    """What is said of test images that may be altered copies: only a person can tell."""
    if external is None:
        return ""
    n = len(development)
    pairs = near_duplicates(np.concatenate([thumbnails(development), thumbnails(external)]))
    alike = [j - n for i, j, _, _ in pairs if i < n <= j]
    if not alike:
        return ""
    first = str(external.table.image_id.iloc[min(alike)])
    return (
        f" **Of the external test, images that look like one of development: {len(set(alike))}, "
        f"first {first!r}: look at them. If they are copies, or slices of the same patients, the "
        "test flatters.**"
    )


def _said(pool: Cohort, cases: Cohort, external: Cohort | None, per_class: int) -> str:
    """What is used, and of how much."""
    who = "groups" if pool.patient_id_kind == "surrogate" else "patients"
    used = [f"{_patients(cases, c)} of {_patients(pool, c)} {who} of {c!r}" for c in pool.classes]
    all_of_them = len(cases) == len(pool)
    more = "" if all_of_them or pool.simulated else "; `-p per_class all` takes all images"
    one = ", one image each" if per_class else ""
    said = f"Used: {', '.join(used)}{one}{more}."
    if external is not None:
        kept = ", ".join(f"{(external.table.label == c).sum()} {c!r}" for c in external.classes)
        said += f" Kept for one external test at the end, and for nothing else: {kept}."
    elif "split" in pool.table:
        parts = names(sorted(set(pool.table.split.astype(str))))
        said += f" The data come with a split ({parts}), which is not used: all are one pool."
    return said


def _patients(cohort: Cohort, label: str) -> int:
    table = cohort.table
    return int(table.patient_id[table.label == label].nunique())


def draws_differ(pool: Cohort, per_class: int) -> bool:
    """Tell whether draws from the pool are different enough to say what another study would find.

    Two draws of m of M patients have a share of m / M in common, on average; of no class may it be
    more than `MOST_SHARED`.
    """
    least = min(_patients(pool, label) for label in pool.classes)
    return 0 < per_class <= MOST_SHARED * least


def image_size(asked: int, cases: Cohort) -> int:
    """Return the pixels a side at which a network sees the cases: as asked, or by this rule for 0.

    Simulated patients: 64. Else as many of `SIZES` as the images have (the median of their longer
    sides), up to 64, and up to 224 as long as all images together have no more than `PIXELS`.
    """
    if asked:
        return asked
    if cases.simulated:
        return BOOK_SIZE
    own = own_side(cases)
    fits = [
        size
        for size in SIZES
        if size <= own and (size <= BOOK_SIZE or size**2 * len(cases) <= PIXELS)
    ]
    return max(fits, default=SIZES[0])


def own_side(cases: Cohort) -> int:
    """Return the median of the images' longer sides, pixels."""
    table = cases.table
    if {"rows", "columns"} <= set(table):
        return int(table[["rows", "columns"]].astype(float).max(axis=1).median())
    return int(np.median(cases.map(lambda image: max(image.shape))))


def largest_share(cases: Cohort) -> float:
    """Return the accuracy of always answering with the most frequent class."""
    counts = np.bincount(cases.labels, minlength=len(cases.classes))
    return float(counts.max() / counts.sum())
