"""A model on disk: `model.safetensors` with all tensors, `model.json` with all that is to be said.

The card is what a person reads first and what `load_model` holds the tensors to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from medlib.errors import InputError
from medlib.runtime.paths import write_whole
from medlib.statistics.threshold import called_positive
from medlib.takehome.likeness import Likeness
from medlib.takehome.weights import FittedModel, Tensors, probabilities, rebuilt, tensors_of
from medlib.types import Images, Integers, Probabilities

FORMAT: Final = "medlib model 1"
CARD: Final = "model.json"
WEIGHTS: Final = "model.safetensors"
OF_NETWORK: Final = "model."
"""How the names of the model's own tensors begin; the rest is for warnings."""
OF_LIKENESS: Final = "likeness."
SEEN: Final = "training_images"
"""First 8 bytes of the SHA-256 of each training image's pixels."""
NEEDED: Final = ("model", "classes", "threshold", "input", "weights", "warning")
"""Parts of a card that predicting needs."""


@dataclass(frozen=True)
class StoredModel:
    """A fitted model, its card, and what its training images looked like."""

    card: Mapping[str, Any]
    fitted: FittedModel
    likeness: Likeness
    seen: Integers
    """`fingerprints` of the training images."""

    @property
    def classes(self) -> list[str]:
        """Class names, the negative one first where there are two."""
        return list(self.card["classes"])

    @property
    def size(self) -> int:
        """Pixels a side of the images it takes."""
        return int(self.card["input"]["size"])

    def probabilities(self, images: Images) -> Probabilities:
        """Return the probability of each class, n x classes, of images n x size x size."""
        return probabilities(self.fitted, images)

    def predicted(self, given: Probabilities) -> list[str]:
        """Return the name of the class that n x classes probabilities come to.

        Of two classes the second one above the threshold, of more the most probable one.
        """
        if len(self.classes) == 2:
            called = called_positive(given[:, 1], self.card["threshold"]).astype(int)
        else:
            called = given.argmax(axis=1)
        return [self.classes[number] for number in called]


def fingerprints(sha256: list[str]) -> Integers:
    """Return the first 8 bytes of each SHA-256 (hex) as a number."""
    return np.array([int(text[:16], 16) for text in sha256], dtype=np.uint64).view(np.int64)


def save_model(model: StoredModel, folder: Path) -> list[Path]:
    """Write `model.safetensors` and `model.json` into a folder; the same model, the same bytes."""
    tensors = {OF_NETWORK + name: value for name, value in tensors_of(model.fitted).items()}
    tensors |= {OF_LIKENESS + name: value for name, value in model.likeness.tensors().items()}
    content = save(
        {n: np.ascontiguousarray(v).reshape(v.shape) for n, v in tensors.items()}
        | {SEEN: model.seen}
    )
    weights = {"file": WEIGHTS, "bytes": len(content), "sha256": _sha256(content)}
    card = {"format": FORMAT, **model.card, "weights": weights}
    written = [write_whole(folder / WEIGHTS, content)]
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    return [*written, write_whole(folder / CARD, text)]


def load_model(place: Path) -> StoredModel:
    """Return the model of a folder, or of a card or its tensors in one.

    Raises InputError where card or tensors are missing, damaged or do not fit each other.
    """
    folder = place if place.is_dir() else place.parent
    card = _card(folder / CARD, place)
    tensors = _tensors(folder / str(card["weights"].get("file")), card, folder / CARD)
    try:
        fitted = rebuilt(card["model"], _named(tensors, OF_NETWORK), len(card["classes"]))
        likeness = Likeness.of_tensors(_named(tensors, OF_LIKENESS))
        return StoredModel(card, fitted, likeness, tensors[SEEN])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{folder / WEIGHTS} does not fit {CARD} beside it ({type(error).__name__}: "
            f"{_short(error)}): take both files from one run."
        ) from error


def _card(path: Path, asked: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(
            f"{asked} holds no model: there is no {path}; name the folder that `medlib run "
            "resnet50_cv --out FOLDER` left, with model.json and model.safetensors in it."
        )
    try:
        card = json.loads(path.read_text("utf-8"))
        _require_form(card)
        missing = [name for name in NEEDED if name not in card]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is no model card of this version, or damaged ({_short(error)}): copy it again "
            "from the run that made it."
        ) from error
    if missing:
        raise InputError(
            f"{path} lacks {', '.join(missing)}: copy it again from the run that made it."
        )
    return dict(card)


def _require_form(card: Any) -> None:
    """Raise ValueError or TypeError for a card that others have written."""
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise ValueError(f"its format is not '{FORMAT}'")
    for name, kind in (("classes", list), ("model", dict), ("input", dict), ("weights", dict)):
        if name in card and not isinstance(card[name], kind):
            raise TypeError(f"{name} is no {kind.__name__}")


def _tensors(path: Path, card: Mapping[str, Any], of: Path) -> Tensors:
    if not path.is_file():
        raise InputError(f"{of} names {path.name}, which is not beside it: copy both files.")
    content = path.read_bytes()
    if _sha256(content) != card["weights"].get("sha256"):
        raise InputError(
            f"{path} is not the file that {of.name} describes ({len(content):,} bytes, expected "
            f"{card['weights'].get('bytes')}; SHA-256 differs): it is damaged or of another model; "
            "copy both files again."
        )
    try:
        return dict(load(content))
    except SafetensorError as error:
        raise InputError(
            f"{path} is no safetensors file ({error}): copy both files again."
        ) from error


def _named(tensors: Tensors, start: str) -> Tensors:
    return {n.removeprefix(start): value for n, value in tensors.items() if n.startswith(start)}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _short(error: Exception) -> str:
    text = str(error)
    return text if len(text) <= 200 else f"{text[:200]}..."
