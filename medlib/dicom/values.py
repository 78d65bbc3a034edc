"""Reading attributes of data sets whose values may be damaged."""

import math
from functools import cache
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from medlib.dicom.refusal import DicomError


@cache
def _tag(keyword: str) -> BaseTag:
    """Return the tag; looking attributes up by tag is several times faster than by keyword."""
    return Tag(keyword)


class Values:
    """Attributes by keyword, looked up in one data set after another.

    Whatever is wrong with a value surfaces as a `DicomError` that names file and attribute.
    """

    def __init__(self, path: Path, *datasets: Dataset) -> None:
        self.path, self.datasets = path, datasets

    def get(self, keyword: str) -> Any:
        """Return the value in the first data set that has one, or None where none does."""
        for dataset in self.datasets:
            value = self._converted(dataset, keyword)
            if value is not None and value != "" and value != []:
                return value
        return None

    def _converted(self, dataset: Dataset, keyword: str) -> Any:
        try:
            element = dataset.get(_tag(keyword))
            return None if element is None else element.value
        except Exception as error:  # converters raise whatever the damaged bytes make them raise
            raise self.refuse(keyword, f"its value is damaged ({error})") from error

    def refuse(self, keyword: str, reason: str) -> DicomError:
        """Return the error to raise about this file's attribute."""
        return DicomError(self.path, keyword, reason)

    def text(self, keyword: str) -> str:
        """Return the value as text, several values joined by a backslash, "" where absent."""
        value = self.get(keyword)
        several = hasattr(value, "__iter__") and not isinstance(value, str | bytes)
        parts = value if several else [value]
        return "\\".join("" if part is None else str(part) for part in parts).strip(" \0")

    def whole(self, keyword: str, default: int | None = None) -> int:
        """Return the value as an integer, or `default` where absent."""
        value = self.get(keyword)
        try:
            return int(default if value is None else value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError) as error:
            raise self.refuse(keyword, f"it must be a whole number, not {value!r}") from error

    def number(self, keyword: str) -> float | None:
        """Return the value as a finite float, or None where absent."""
        numbers = self.numbers(keyword, 1)
        return None if numbers is None else numbers[0]

    def numbers(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """Return `count` finite floats, or None where the attribute is absent."""
        value = self.get(keyword)
        if value is None:
            return None
        several = hasattr(value, "__iter__") and not isinstance(value, str | bytes)
        try:
            floats = tuple(float(part) for part in (value if several else [value]))
        except (TypeError, ValueError, OverflowError) as error:
            raise self.refuse(keyword, f"it must be a number, not {value!r}") from error
        if len(floats) != count or not all(math.isfinite(part) for part in floats):
            raise self.refuse(keyword, f"needs {count} finite number(s), not {value!r}")
        return floats

    def items(self, keyword: str) -> list[Dataset]:
        """Return the items of a sequence, [] where absent."""
        value = self.get(keyword)
        return list(value) if isinstance(value, Sequence) else []

    def flat(self, item: Dataset) -> Dataset:
        """Return the attributes inside a functional-group item, one level of sequences removed."""
        flat = Dataset()
        try:
            for element in item:
                if element.VR == "SQ" and len(element.value):
                    flat.update(element.value[0])
        except Exception as error:  # see `_converted`
            raise self.refuse("PerFrameFunctionalGroupsSequence", f"damaged ({error})") from error
        return flat
