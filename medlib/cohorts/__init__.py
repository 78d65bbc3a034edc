"""The one door to data: `load` gives a `Cohort`, whatever it comes from."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from medlib.cohorts.audit.leaks import LeakageError, assert_no_leakage
from medlib.cohorts.cohort import Cohort
from medlib.cohorts.selection import (
    ChooseTwoError,
    choose_classes,
    choose_split,
    require_cases,
    require_one_label,
)
from medlib.cohorts.sources import (
    abdomen,
    arrays,
    breast,
    dicom_folder,
    folders,
    fundus,
    head,
    kidney,
    pairs,
    phantom,
    public,
    tcga,
)
from medlib.cohorts.sources.arrays import from_arrays
from medlib.cohorts.sources.several_labels import SeveralLabelsError, one_of_several
from medlib.cohorts.sources.tables import ALIASES as COLUMN_OPTIONS
from medlib.errors import InputError, did_you_mean
from medlib.runtime.whole_numbers import as_number, as_seed

__all__ = [
    "KINDS",
    "ChooseTwoError",
    "Cohort",
    "LeakageError",
    "SeveralLabelsError",
    "assert_no_leakage",
    "from_arrays",
    "is_simulated",
    "load",
    "load_each_label",
    "require_cases",
]

KINDS: Final[dict[str, Callable[..., Cohort]]] = {
    "phantom-chest-ct": phantom.load,
    "phantom-abdomen": abdomen.load,
    "phantom-mammography": breast.load,
    "phantom-kidney": kidney.load,
    "phantom-fundus": fundus.load,
    "phantom-head-mri": head.load,
    "images": folders.load,
    "pairs": pairs.load,
    "dicom": dicom_folder.load,
    "npz": arrays.load,
    "iq-oth-nccd": public.iq_oth_nccd,
    "tcga-lung-ct": tcga.load,
    "luna16-patches": public.luna16_patches,
}
"""What stands before the colon of a cohort's name, and what loads it."""

SIMULATED: Final = (
    "phantom-chest-ct",
    "phantom-abdomen",
    "phantom-mammography",
    "phantom-kidney",
    "phantom-fundus",
    "phantom-head-mri",
)
"""The cohorts that every reader has."""
SWITCHES: Final = {"true": True, "false": False}
"""How truths are written in a specification."""
DEFAULT_CLASSES: Final = {"iq-oth-nccd": "normal,malignant"}
"""Classes of a cohort where none are asked for."""


def load(
    spec: str,
    *,
    seed: int = 0,
    per_class: int | None = None,
    classes: str | Sequence[str] | None = None,
    split: str | Sequence[str] | None = None,
    several: bool = False,
    **options: Any,
) -> Cohort:
    """Return the cohort of ``spec``: a simulated one, or KIND:PATH with a kind of `KINDS`.

    ``per_class`` draws that many patients a class, one image each (`Cohort.draw`); the phantoms
    simulate as many. ``classes="normal,malignant"`` chooses and orders two classes, negative
    first; "all" keeps all. With ``several`` it may name more than two, and a source with more
    keeps all of them where none are named. ``split="train,val"`` keeps these parts of a source
    that has a split of its own; None pools them, and a note says so (`choose_split`). Options of
    the kind (see its loader) are keywords, or stand in ``spec``: ``dicom:DIR?labels=PATH``,
    ``phantom-chest-ct?task=slice``. Raises InputError, before anything is trained, where the data
    or an argument cannot be used.
    """
    kind, place, options = _parse(spec, options)
    split = options.pop("split", split)
    seed = as_seed(seed)
    per_class = None if per_class is None else as_number(per_class, "per_class")
    loader = KINDS[kind]
    _check_options(kind, loader, options)
    options = {name: _switch(loader, name, value) for name, value in options.items()}
    if kind in SIMULATED:
        cohort = loader(seed=seed, per_class=per_class, **options)
    else:
        cohort = _loaded(spec.strip(), loader, place, options)
    classes = classes if classes is not None else DEFAULT_CLASSES.get(kind)
    cohort = choose_split(cohort, split)
    chosen = require_one_label(choose_classes(cohort, classes, several=several))
    if per_class is None or kind in SIMULATED:
        return chosen
    return chosen.draw(per_class, seed)


def load_each_label(spec: str, classes: str | None = None) -> Iterator[Cohort]:
    """Yield the cohort of ``spec``; of several labels an image, that of each against its absence.

    ``classes`` as `load` takes them, several too; they are no choice among several labels.
    """
    try:
        yield load(spec, classes=classes, several=True)
    except SeveralLabelsError as several:
        if classes is not None:
            raise
        labels = several.labels
    else:
        return
    for label in labels:
        yield load(spec, label=label)


def _loaded(spec: str, loader: Callable[..., Cohort], place: str, options: Any) -> Cohort:
    """What the loader gives; of several labels its refusal says how this cohort is typed."""
    try:
        return one_of_several(loader(place, **options))
    except SeveralLabelsError as several:
        raise several.of(spec) from None


def is_simulated(spec: str) -> bool:
    """Return whether a specification names simulated patients, as many of them as are asked for."""
    return spec.strip().partition("?")[0] in SIMULATED


def _parse(spec: str, options: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Split ``kind:place?option=value&...``; what it says goes before keywords."""
    if not isinstance(spec, str) or not spec.strip():
        raise InputError(
            f"The cohort is {spec!r}: name one, such as {SIMULATED[0]!r} or images:DIR."
        )
    kind, _, place = spec.strip().partition(":")
    query = ""
    if not (place and Path(place).exists()):  # a path may hold a question mark
        named, _, query = spec.strip().partition("?")
        kind, _, place = named.partition(":")
    if kind not in KINDS:
        raise InputError(_unknown(kind, spec.strip()))
    options = options | dict(parse_qsl(query, keep_blank_values=True))
    if place and kind in SIMULATED:
        raise InputError(f"The cohort {kind!r} is simulated and has no place: leave out {place!r}.")
    return kind, place, options


def _unknown(kind: str, spec: str) -> str:
    known = ", ".join(name if name in SIMULATED else f"{name}:PATH" for name in KINDS)
    hint = did_you_mean(kind, KINDS, "choose one of these.", alike=0.5)
    if Path(spec).exists():
        hint = f"for a folder of pictures write images:{spec}, of DICOM files dicom:{spec}."
    return f"There is no cohort {kind!r}; there are {known}: {hint}"


def _switch(loader: Callable[..., Cohort], name: str, value: Any) -> Any:
    """Read "true" or "false" of an option that is one or the other; leave all else as it is."""
    known = inspect.signature(loader).parameters.get(name)
    if known is None or not isinstance(known.default, bool) or isinstance(value, bool):
        return value
    if str(value).lower() not in SWITCHES:
        raise InputError(f"The option {name} is {value!r}: give true or false.")
    return SWITCHES[str(value).lower()]


def _check_options(kind: str, loader: Callable[..., Cohort], options: dict[str, Any]) -> None:
    """Raise InputError for an option that a loader lacks.

    The loader's signature is the list of its options: a second one beside it could differ from it.
    """
    parameters = inspect.signature(loader).parameters.values()
    known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    known = [name for name in known if name not in {"seed", "per_class"}]
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        known += [f"{name}_column" for name in COLUMN_OPTIONS]
    known += ["split"] if kind not in SIMULATED else []
    for option in options:
        if option not in known:
            hint = did_you_mean(option, known, "leave it out.")
            raise InputError(
                f"The cohort {kind!r} has no option {option!r} "
                f"(it has {', '.join(known) or 'none'}): {hint}"
            )
