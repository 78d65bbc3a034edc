"""Which classes a study compares, and whether the cohort can carry it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from medlib.cohorts.cohort import Cohort, names
from medlib.errors import InputError, did_you_mean

NEGATIVE: Final = re.compile(
    r"正常|健康|阴性|陰性|对照|對照|良性|無|无|"
    r"\b(normal|negative|neg|controls?|ctrls?|healthy|no|non|none|not|absent|false|benign|"
    r"without|other|0)(\b|_)",
    re.IGNORECASE,
)
"""Words in the name of a class without the finding, most of the time."""

EVERY: Final = "all"
"""classes="all" keeps every class, for an audit of a whole source."""


class ChooseTwoError(InputError):
    """There are more than two classes, none were chosen, and what is asked for takes two."""


def choose_split(cohort: Cohort, split: str | Sequence[str] | None) -> Cohort:
    """Return the images of these parts of the source's own split (`table.split`).

    ``split`` is "train", "train,val", or None: all parts are pooled, which a note says. Raises
    InputError for a part that is not there, or a source without a split.
    """
    table = cohort.table
    parts = list(table.split.unique()) if "split" in table else []
    if split is None:
        return cohort.noted(_pooled(cohort)) if len(parts) > 1 else cohort
    wanted = split.split(",") if isinstance(split, str) else list(split)
    wanted = [part.strip().lower() for part in wanted]
    known = [str(part) for part in parts]
    unknown = [part for part in wanted if part not in {name.lower() for name in known}]
    if unknown:
        has = f"parts {', '.join(known)}" if known else "no split of its own"
        raise InputError(f"split names {names(unknown)} and {cohort.name} has {has}: name one.")
    kept = table.split.astype(str).str.lower().isin(wanted)
    classes = tuple(name for name in cohort.classes if name in set(table.label[kept]))
    note = f"Of the source's own split, {', '.join(wanted)} is used: {kept.sum()} images."
    return replace(cohort, table=table[kept], classes=classes).noted(note)


def _pooled(cohort: Cohort) -> str:
    counts = cohort.table.split.value_counts(sort=False)
    told = ", ".join(f"{part} {n}" for part, n in counts.items())
    return (
        f"The source has a split of its own ({told}), which is pooled here: folds are dealt anew, "
        "and results are not those of its official test. To use some parts only, add "
        f"?split={counts.index[0]} to the cohort's name; the table's column split keeps them apart."
    )


def choose_classes(
    cohort: Cohort, classes: str | Sequence[str] | None, *, several: bool = False
) -> Cohort:
    """Return the cohort of the classes asked for, the negative one first.

    ``classes`` is ``"normal,malignant"`` (case does not matter), ``"all"``, or None for a cohort
    that has two anyway; with ``several`` it may name more than two, and None keeps all there are.
    Raises InputError for one class only, more than two without a choice, or a class that is not
    there.
    """
    if len(cohort.classes) < 2:
        raise InputError(
            f"{cohort.name} has images of one class only ({names(cohort.classes)}): "
            "a study needs two; add images of the other class."
        )
    if classes is None:
        return _two(cohort) if len(cohort.classes) == 2 or not several else _all(cohort)
    wanted = classes.split(",") if isinstance(classes, str) else list(classes)
    wanted = [name.strip() for name in wanted if name.strip()]
    if wanted == [EVERY]:
        return _all(cohort) if several and len(cohort.classes) > 2 else cohort
    return keep_classes(cohort, [_known(name, cohort) for name in wanted], several=several)


def keep_classes(cohort: Cohort, wanted: Sequence[str], *, several: bool = False) -> Cohort:
    """Return the images of these classes, in this order of classes; raises for fewer than two.

    Also for more than two, unless `several`.
    """
    number = "two or more" if several else "two"
    if len(wanted) < 2 or (len(wanted) > 2 and not several) or len(set(wanted)) < len(wanted):
        raise InputError(
            f"classes names {names(wanted) or 'no class'}: name {number} different ones of "
            f"{', '.join(cohort.classes)}, the negative one first."
        )
    table = cohort.table
    chosen = table.label.isin(wanted)
    others = tuple(name for name in cohort.classes if name not in wanted)
    rest = replace(cohort, table=table[~chosen], classes=others) if others else None
    return replace(cohort, table=table[chosen], classes=tuple(wanted), left_out=rest)


def _all(cohort: Cohort) -> Cohort:
    """All classes; those whose name says that nothing was found come first."""
    by_name = sorted(cohort.classes, key=lambda name: NEGATIVE.search(name) is None)
    return replace(cohort, classes=tuple(by_name))


def _two(cohort: Cohort) -> Cohort:
    by_name = sorted(cohort.classes, key=lambda name: NEGATIVE.search(name) is None)
    first, last = by_name[0], by_name[-1]
    if len(cohort.classes) > 2:
        known = ", ".join(cohort.classes)
        raise ChooseTwoError(
            f"{cohort.name} has {len(cohort.classes)} classes ({known}): choose two, the negative "
            f"one first: {_typed(first, last)}. Chapters 03 and 04 and medlib audit take all."
        )
    if bool(NEGATIVE.search(first)) == bool(NEGATIVE.search(last)):
        cohort = cohort.noted(
            f"Class {last!r} is taken as positive by the alphabet; to turn it round: "
            f"{_typed(last, first)}."
        )
    return replace(cohort, classes=(first, last))


def _typed(negative: str, positive: str) -> str:
    """How a choice of classes is typed in a shell."""
    both = f"{negative},{positive}"
    both = both if re.fullmatch(r"[\w,.+-]+", both) else f'"{both}"'
    return f"-p classes {both} (medlib run) or --classes {both} (medlib audit)"


def _known(name: str, cohort: Cohort) -> str:
    for known in (name, *cohort.classes):
        if known in cohort.classes and known.lower() == name.lower():
            return known
    hint = did_you_mean(name, cohort.classes, "choose two of these.")
    raise InputError(
        f"{cohort.name} has no class {name!r}; it has {', '.join(cohort.classes)}: {hint}"
    )


def require_one_label(cohort: Cohort) -> Cohort:
    """Return the cohort; raises InputError for a patient in two classes.

    Unless labels are of images (`label_level`), where a patient may have both.
    """
    if cohort.label_level == "image":
        return cohort
    classes = cohort.table.groupby("patient_id", sort=False).label.unique()
    mixed = classes[classes.map(len) > 1]
    if len(mixed):
        patient, both = mixed.index[0], " and ".join(map(repr, mixed.iloc[0]))
        raise InputError(
            f"Patients of {cohort.name} in two classes: {len(mixed)}, first {patient!r} in {both}; "
            "correct the labels, or add ?allow_mixed_patients=true to the cohort's name where "
            "labels are of images."
        )
    return cohort


def require_cases(
    cohort: Cohort, folds: int, *, per_fold: int = 1, several: bool = False
) -> Cohort:
    """Return the cohort, if each class has `per_fold` patients for each fold; else InputError.

    Also for more than two classes, unless the chapter can do with `several`.
    """
    if folds < 2:
        raise InputError(f"folds is {folds}: cross-validation needs at least 2.")
    if len(cohort.classes) > 2 and not several:
        first, *_, last = _all(cohort).classes
        raise ChooseTwoError(
            f"{cohort.name} has {len(cohort.classes)} classes ({', '.join(cohort.classes)}) and "
            f"this chapter compares two: choose them, the negative one first: "
            f"{_typed(first, last)}. Chapters 03 and 04 take all."
        )
    patients = cohort.table.groupby("label").patient_id.nunique()
    for label in cohort.classes:
        found = int(patients.get(label, 0))
        if found < folds * per_fold:
            most = found // per_fold
            fewer = f"use at most {most} folds or " * (most > 1)
            each = f" of at least {per_fold} each" * (per_fold > 1)
            raise InputError(
                f"Class {label!r} of {cohort.name} has {found} patients and there are {folds} "
                f"folds{each}: {fewer}add patients."
            )
    return cohort
