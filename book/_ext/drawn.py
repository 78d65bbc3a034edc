"""Figures that a page draws from `results/` when the book is built: SVG within the page."""

import base64
import io
from html import escape

import matplotlib as mpl
from matplotlib.figure import Figure


def html(figure: Figure, name: str, description: str, caption: str) -> str:
    """The figure with a description for those who cannot see it and, as caption, what it shows."""
    source = base64.b64encode(_svg(figure).encode()).decode()
    return (
        f'<figure class="align-default" id="{name}">\n'
        f'<img src="data:image/svg+xml;base64,{source}" alt="{escape(description)}">\n'
        f"<figcaption><p>{escape(caption)}</p></figcaption>\n</figure>"
    )


def _svg(figure: Figure) -> str:
    """The same figure gives the same bytes."""
    file = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "medlib", "svg.fonttype": "path", "font.size": 10}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
