"""The cards of `data/*/card.yml` as sections of a page: ``{{ data_cards }}``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from sphinx.application import Sphinx
from sphinx.config import Config

from medlib.cohorts import SIMULATED
from medlib.errors import InputError

ORDER: Final = (
    *SIMULATED,
    "iq-oth-nccd",
    "tcga-lung-ct",
    "luna16-patches",
)
"""Folders of the cards, the simulated patients first."""
FIELDS: Final[Mapping[str, str]] = {
    "origin": "Where from",
    "what": "What",
    "unit_and_labels": "Unit and labels",
    "label_table": "Label table",
    "good_for": "Good for",
    "not_for": "Not for",
    "know_before_use": "Know before use",
    "licence": "Licence",
}
"""What a card may say, and the words for it on the page."""
NEEDED: Final = {"title", "cohort", "origin", "what", "unit_and_labels", "label_table", "licence"}
"""What every card has to say."""


def read(folder: Path) -> Mapping[str, str]:
    """A card; InputError where it lacks something or says what no field is for."""
    card = yaml.safe_load((folder / "card.yml").read_text(encoding="utf-8"))
    lacking, unknown = NEEDED - set(card), set(card) - NEEDED - set(FIELDS)
    if lacking or unknown:
        what = f"lacks {', '.join(sorted(lacking))}" if lacking else f"has {', '.join(unknown)}"
        raise InputError(f"{folder / 'card.yml'} {what}; a card has {', '.join(FIELDS)}")
    return card  # type: ignore[no-any-return]


def section(folder: Path) -> str:
    """A card as a section, its manifest as a download."""
    card = read(folder)
    manifest = next(folder.glob("manifest.*"))
    said = [f"{words}\n: {card[key].strip()}" for key, words in FIELDS.items() if key in card]
    link = f"Manifest\n: {{download}}`{manifest.name} <../data/{folder.name}/{manifest.name}>`"
    return "\n\n".join([f"## {card['title']} (`{card['cohort']}`)", *said, link])


def fill(app: Sphinx, config: Config) -> None:
    """Give the page its cards."""
    data = Path(app.srcdir) / "data"
    config.myst_substitutions = {
        **config.myst_substitutions,
        "data_cards": "\n\n".join(section(data / name) for name in ORDER),
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("config-inited", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
