"""Several labels an image, such as glaucoma and cataract: one against its absence at a time.

A table has them as columns of 0 and 1, or as one column of names with | or ; between them. The
cohort has one of them as its two classes, and all of them as columns of 0 and 1 (`MARK`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from medlib.cohorts.cohort import Cohort, names
from medlib.cohorts.sources.tables import ALIASES, read_table, require_columns
from medlib.errors import InputError, did_you_mean
from medlib.types import Integers

MARK: Final = "label: "
"""How the columns begin in which a cohort keeps each of its labels, 0 or 1."""
BETWEEN: Final = re.compile(r"[|;]")
"""What stands between the names of several labels in one cell."""
TRUTH: Final = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
"""How a table says that an image has a label or lacks it."""


class SeveralLabelsError(InputError):
    """Images have several labels and none was chosen; `labels` are those that some have."""

    def __init__(
        self, said: str, labels: Iterable[str], spec: str = "", *, guessed: bool = False
    ) -> None:
        """``said``: where they are; ``spec``: the cohort as typed, where it is known.

        ``guessed``: whether they are all columns of a table that hold 0 and 1.
        """
        self.said, self.labels, self.spec, self.guessed = said, tuple(labels), spec, guessed
        super().__init__(self.sentence("medlib run resnet50_cv"))

    def of(self, spec: str) -> SeveralLabelsError:
        """Return the same of a cohort as it was typed."""
        return SeveralLabelsError(self.said, self.labels, spec, guessed=self.guessed)

    def choosing(self, label: str) -> str:
        """Return the cohort as it is typed to study one of the labels."""
        return self._with("label", typed(label))

    def _with(self, option: str, value: str) -> str:
        return f"{self.spec or 'images:DIR'}{'&' if '?' in self.spec else '?'}{option}={value}"

    def sentence(self, command: str) -> str:
        """Return what is wrong and what to type, for a command such as "medlib run resnet50_cv"."""
        return (
            f"{self.said} several labels an image ({', '.join(self.labels)}): study one against "
            f'its absence, {command} -p cohort "{self.choosing(self.labels[0])}"; medlib audit '
            f"looks at all of them.{self.taken()}"
        )

    def taken(self) -> str:
        """Return how they were found and what to type if one is no label; empty if not guessed."""
        if not self.guessed:
            return ""
        two = ",".join(map(typed, self.labels[:2]))
        return (
            " They are the columns of nothing but 0 and 1; if one is no label, such as sex, name "
            f'those that are: "{self._with("label_columns", two)}".'
        )


def read_labels(
    path: Path,
    *,
    required: Iterable[str] = (),
    columns: Mapping[str, str] | None = None,
    label: str | None = None,
    among: str | None = None,
) -> pd.DataFrame:
    """Return a table of labels, as `read_table` does, with one label an image.

    ``label`` chooses one of several: the column `label` is then its name or "no " and its name.
    ``among`` names what counts as a label, "glaucoma,cataract"; None takes every column of 0 and
    1. A single one needs no choice. Raises SeveralLabelsError where there are several and none is
    chosen, and InputError for one that is not there, or cells that do not say whether an image
    has it.
    """
    table = read_table(path, required=required, columns=columns)
    flags = _flags(table) if among is None else _named(among, table, path)
    if among is not None and flags.shape[1] == 1:
        label = label or str(flags.columns[0])
    if label is not None:
        return with_label(table, flags, _known(label, flags, table, path), path)
    if flags.empty:
        return require_columns(table, path, ["label"])
    raise none_chosen(flags, f"{path} gives", guessed=among is None and "label" not in table)


def refuse_label(label: str | None, among: str | None, home: Path) -> None:
    """Raise InputError where labels are chosen of a folder whose sub-folders are the classes."""
    for option, value in (("label", label), ("label_columns", among)):
        if value is not None:
            raise InputError(
                f"{home} has no table of labels, so an image has the one of its sub-folder: leave "
                f"out {option}={value}, or add labels.csv."
            )


def typed(name: str) -> str:
    """Return a name as it is typed in a cohort's name, in quotation marks."""
    return re.sub(r"[%&+#\"$`\\!]", lambda found: f"%{ord(found[0]):02X}", name)


def none_chosen(flags: pd.DataFrame, said: str, *, guessed: bool = False) -> InputError:
    """Return what is raised where no label is chosen: it names those that some images lack."""
    some = [str(name) for name in flags if flags[name].nunique() == 2]
    if some:
        return SeveralLabelsError(said, some, guessed=guessed)
    return InputError(
        f"{said} the labels {names(flags)} and each of them to all images or to none, so there is "
        "nothing to tell apart: check the table."
    )


def with_label(table: pd.DataFrame, flags: pd.DataFrame, name: str, path: Path) -> pd.DataFrame:
    """Return the table with label NAME or "no NAME", and a column of each of the labels."""
    if name not in flags:
        flags = flags.assign(**{name: _column(table[name], path)})
    negative, positive = classes_of(name)
    chosen = table.assign(label=np.where(flags[name] == 1, positive, negative))
    return chosen.join(flags.add_prefix(MARK))


def classes_of(name: str) -> tuple[str, str]:
    """Return the names of the two classes of a label: its absence, and itself."""
    return f"no {name}", name


def one_of_several(cohort: Cohort) -> Cohort:
    """Return the cohort; of one label and its absence the absence is the first class.

    A note says among which labels it is.
    """
    labels = labels_of(cohort)
    if len(labels) > 1:
        cohort = cohort.noted(f"Its images have {len(labels)} labels, {', '.join(labels)}.")
    for name in labels:
        if set(cohort.classes) == set(classes_of(name)):
            return replace(cohort, classes=classes_of(name))
    return cohort


def labels_of(cohort: Cohort) -> dict[str, Integers]:
    """Return each label of a cohort with several: 0 or 1 an image; empty for one label an image."""
    table = cohort.table
    marked = [str(name) for name in table if str(name).startswith(MARK)]
    return {name.removeprefix(MARK): table[name].to_numpy(np.int64) for name in marked}


def each_label(cohort: Cohort) -> Iterator[Cohort]:
    """Yield the same images with each of their labels against its absence, in turn."""
    for name, flags in labels_of(cohort).items():
        absence, label = classes_of(name)
        table = cohort.table.assign(label=np.where(flags == 1, label, absence))
        yield replace(cohort, table=table, classes=(absence, label), label_level="image")


def together(labels: Mapping[str, Integers]) -> pd.DataFrame:
    """Return how many images have both of two labels; on the diagonal, how many have the one."""
    flags = np.stack(list(labels.values()))
    return pd.DataFrame(flags @ flags.T, index=list(labels), columns=list(labels))


def _flags(table: pd.DataFrame) -> pd.DataFrame:
    """Each of several labels as a column of 0 and 1; no columns where there is one label."""
    if "label" in table:
        several = table.label.str.contains(BETWEEN)
        return _of_names(table.label) if several.any() else pd.DataFrame(index=table.index)
    plain = [name for name in table if name not in ALIASES]
    found = {name: table[name].str.lower().map(TRUTH) for name in plain}
    flags = pd.DataFrame({name: x for name, x in found.items() if x.notna().all()})
    return flags.astype(np.int64) if flags.shape[1] > 1 else pd.DataFrame(index=table.index)


def _named(among: str, table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The labels that a reader names, as columns of 0 and 1, in the order of the table."""
    several = "label" in table and table.label.str.contains(BETWEEN).any()
    known = _of_names(table.label) if several else table[[n for n in table if n not in ALIASES]]
    asked = [_one_of(name.strip(), list(map(str, known)), path) for name in among.split(",")]
    kept = [str(name) for name in known if name in asked]
    return pd.DataFrame({name: _column(known[name].astype(str), path) for name in kept})


def _of_names(cells: pd.Series[str]) -> pd.DataFrame:
    lists = [[n.strip() for n in BETWEEN.split(cell) if n.strip()] for cell in cells]
    every = dict.fromkeys(name for some in lists for name in some)
    flags = {name: [int(name in some) for some in lists] for name in sorted(every)}
    return pd.DataFrame(flags, index=cells.index)


def _known(label: str, flags: pd.DataFrame, table: pd.DataFrame, path: Path) -> str:
    """The label that is asked for: case does not matter."""
    known = [str(name) for name in flags] or [str(n) for n in table if n not in ALIASES]
    if not known:
        raise InputError(f"{path} has one label an image: leave out label={label}.")
    return _one_of(label, known, path)


def _one_of(label: str, known: list[str], path: Path) -> str:
    """The known name that is meant; InputError where there is none."""
    for name in (label, *known):
        if name in known and name.lower() == label.lower():
            return name
    hint = did_you_mean(label, known, "choose one of these.")
    raise InputError(f"{path} has no label {label!r}; it has {', '.join(known)}: {hint}")


def _column(cells: pd.Series[str], path: Path) -> Integers:
    flags = cells.str.lower().map(TRUTH)
    wrong = cells.index[flags.isna()]
    if len(wrong):
        raise InputError(
            f"{path} has {cells[wrong[0]]!r} for {cells.name} in line {wrong[0] + 2}, not 0 or 1 "
            f"({len(wrong)} such rows): write which it is, or remove these rows."
        )
    return flags.to_numpy().astype(np.int64)
