"""A reading: pictures that the reader sorts into two classes, and the score beside others' scores.

A form like any other: it works by keyboard and without a server, and where no script runs or on
paper the answers stand below it, folded, to be counted by hand.
"""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from html import escape
from string import Template
from typing import Any, Final

import numpy as np
from IPython.display import HTML
from PIL import Image

from medlib.errors import InputError
from medlib.statistics import proportion_interval
from medlib.types import Reals

CLASSES: Final = 2
"""Classes that a reading is between."""
SIDE: Final = 288
"""Pixels a side that pictures are enlarged to."""
LEFT, WIDTH, LINE = 18, 320, 36
"""Pixels of the picture of the scores: margin, width, a line."""
PAGE: Final = Template("""
<form class="reading" id="reading" data-truth="$truth">
<style>.reading .cases{display:flex;flex-wrap:wrap;gap:1rem}
.reading fieldset{border:1px solid #8888;border-radius:4px;padding:.4rem .6rem;margin:0}
.reading legend{font-size:1rem;width:auto;margin:0;padding:0 .3rem}
.reading img{width:9rem;height:9rem;display:block;margin-bottom:.3rem}
.reading label{display:block}.reading .said{display:block;min-height:1.5em;font-weight:600}
.reading svg{max-width:100%;height:auto}.reading button{margin:1rem 0}</style>
<div class="cases">$cases</div>
<button type="submit">Show my score</button>
<output class="score" aria-live="polite" style="display:block"></output>
<svg role="img" aria-label="$described" width="$width" height="$height"
 viewBox="0 0 $width $height">$scores</svg>
</form>
<details><summary>The answers, to count by hand</summary><p>$answers</p></details>
<script>(() => {
 const form = document.getElementById("reading"), said = $sentences, ends = $ends;
 const truth = form.dataset.truth, names = $names, x = v => $left + v * $span;
 const scores = form.querySelector("svg");
 scores.style.display = "none"; // nobody's score before the reader's own
 form.addEventListener("submit", event => {
  event.preventDefault();
  const sets = [...form.querySelectorAll("fieldset")], out = form.querySelector(".score");
  const given = sets.map(one => one.querySelector("input:checked"));
  const open = given.findIndex(one => !one);
  if (open >= 0) {
   out.textContent = "Case " + (open + 1) + " has no answer yet.";
   sets[open].querySelector("input").focus();
   return;
  }
  const right = given.filter((one, k) => one.value === truth[k]).length;
  sets.forEach((one, k) => { one.querySelector(".said").textContent =
   (given[k].value === truth[k] ? "✓ " : "✗ ") + names[+truth[k]]; });
  out.textContent = said[right];
  const row = form.querySelector(".you"), [low, high] = ends[right];
  row.querySelector("path").setAttribute("d", "M" + x(low) + " 24H" + x(high));
  row.querySelector("circle").setAttribute("cx", x(right / truth.length));
  row.style.visibility = "visible";
  scores.style.display = "";
 });
})();</script>""")
"""The form; without its script it is pictures, answers to tick, and the scores of others."""

Score = tuple[float, float, float]
"""A share of right answers, and the two ends of its interval."""


def reading(
    images: Sequence[Reals],
    truth: Sequence[int],
    classes: Sequence[str],
    others: Mapping[str, Score],
) -> HTML:
    """A form that asks of each image, in 0..1, which of two classes it is, and scores the answers.

    `truth` is 0 or 1 an image. `others` are the scores that the reader's is set beside, by name.
    The interval of the reader's score is that of a proportion (Wilson 1927). Raises InputError
    where there are not two classes or not an answer an image.
    """
    if len(classes) != CLASSES or len(images) != len(truth) or not set(truth) <= {0, 1}:
        raise InputError("a reading needs two classes and for each image a 0 or a 1")
    page = PAGE.substitute(
        truth="".join(map(str, truth)),
        cases="".join(_case(k, image, classes) for k, image in enumerate(images)),
        described=escape(
            "; ".join(f"{name}: {_in_words(score)}" for name, score in others.items())
        ),
        width=WIDTH + 2 * LEFT,
        height=LINE * (len(others) + 1) + 22,
        scores=_scores(others),
        answers=", ".join(f"{k + 1} {escape(classes[each])}" for k, each in enumerate(truth)),
        left=LEFT,
        span=WIDTH,
        **{name: _as_script(value) for name, value in _answers(len(truth), classes).items()},
    )
    return HTML(page)  # type: ignore[no-untyped-call]


def _answers(cases: int, classes: Sequence[str]) -> dict[str, Any]:
    """What the script says for every number of right answers."""
    found = [proportion_interval(right, cases) for right in range(cases + 1)]
    sentences = [
        f"You: {right} of {cases} right, {_in_words((right / cases, each.low, each.high))}."
        for right, each in enumerate(found)
    ]
    ends = [[round(each.low, 3), round(each.high, 3)] for each in found]
    return {"sentences": sentences, "ends": ends, "names": list(classes)}


def _as_script(value: Any) -> str:
    """A value for the script; no name in it can end the script."""
    return json.dumps(value).replace("<", "\\u003c")


def _in_words(score: Score) -> str:
    share, low, high = score
    return f"{100 * share:.0f} % (95 % interval {100 * low:.0f} % to {100 * high:.0f} %)"


def _case(number: int, image: Reals, classes: Sequence[str]) -> str:
    choices = "".join(
        f'<label><input type="radio" name="reading-{number}" value="{value}"> {escape(name)}'
        "</label>"
        for value, name in enumerate(classes)
    )
    return (
        f"<fieldset><legend>Case {number + 1}</legend>"
        f'<img alt="Image of case {number + 1}" src="data:image/png;base64,{_png(image)}">'
        f'{choices}<span class="said"></span></fieldset>'
    )


def _png(image: Reals) -> str:
    grey = Image.fromarray(np.round(np.clip(image, 0, 1) * 255).astype(np.uint8))
    file = io.BytesIO()
    grey.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(file, "png", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def _scores(others: Mapping[str, Score]) -> str:
    """A line a score: a bar for the interval, a dot for the share; the reader's is set later."""
    bottom = LINE * (len(others) + 1)
    ticks = "".join(
        f'<path d="M{_x(tick)} 0V{bottom}" stroke="#8888"/><text x="{_x(tick)}" y="{bottom + 14}" '
        f'text-anchor="middle" font-size="11" fill="currentColor">{100 * tick:.0f} %</text>'
        for tick in (0.0, 0.5, 1.0)
    )
    lines = [_line(name, score, k) for k, (name, score) in enumerate(others.items())]
    mine = _line("you", (0.5, 0.5, 0.5), len(others), 'class="you" style="visibility:hidden"')
    return ticks + "".join(lines) + mine


def _line(name: str, score: Score, place: int, more: str = "") -> str:
    share, low, high = map(_x, score)
    colour = "#d55e00" if more else "#0072b2"
    return (
        f'<g transform="translate(0 {place * LINE})" {more}><path d="M{low} 24H{high}" '
        f'stroke="{colour}" stroke-width="4" opacity=".5"/><circle cx="{share}" cy="24" r="5" '
        f'fill="{colour}"/><text x="{LEFT + 4}" y="14" font-size="12" fill="currentColor">'
        f"{escape(name)}</text></g>"
    )


def _x(share: float) -> float:
    return round(LEFT + share * WIDTH, 1)
