"""A kernel that slides over a coarse image: every product, the sum, and the output so far.

The numbers are in the page and the page computes. Weights that add up to 1 are shown from the same
black to the same white as the image, others from minus to plus their own reach, so that what a
kernel does to grey levels can be seen; both ends stand below the picture.
"""

import json
from collections.abc import Mapping, Sequence
from html import escape
from string import Template
from typing import Any, Final

import numpy as np
from IPython.display import HTML
from numpy.typing import NDArray

from medlib.errors import InputError

TAPS: Final = 9
"""Weights of a kernel of three by three."""
PAGE: Final = Template("""
<form id="sliding-kernel" onsubmit="return false" style="display:grid;gap:.5rem;max-width:42rem">
<label>Kernel W: <select id="sliding-kernel-k">$options</select></label>
<label>Activation f: <select id="sliding-kernel-f"><option>none</option>
 <option selected>ReLU</option><option value="sigmoid">Sigmoid of a hundredth</option>
 </select></label>
<label>Bias b ($unit): <input id="sliding-kernel-b" type="range" min="-500" max="500" step="50"
 value="0"></label>
<label>Place: <input id="sliding-kernel-p" type="range" min="0" max="$last" value="$start"
 style="width:18rem;max-width:70%"></label>
<div><button id="sliding-kernel-go" type="button">Play</button></div>
<div style="display:flex;gap:.8rem;flex-wrap:wrap">
<div style="flex:0 1 300px"><canvas id="sliding-kernel-x" width="300" height="300" role="img"
 aria-label="The input: a coarse image with a square of three by three pixels marked"
 style="max-width:100%"></canvas><br>input x, from $low (black) to $high (white) $unit</div>
<div style="flex:0 1 300px"><canvas id="sliding-kernel-y" width="300" height="300" role="img"
 aria-label="The output so far: one pixel for each place that the square has visited"
 style="max-width:100%"></canvas><br>output y<span id="sliding-kernel-s"></span></div></div>
<output id="sliding-kernel-o" aria-live="off"
 style="display:block;min-height:6em;white-space:pre-line">
The page's script draws here; without it, the figure above shows one step.</output></form>
<script>(() => {
 const x = $data, n = $n, m = n - 2, kernels = $weights, px = 300 / n;
 const at = id => document.getElementById("sliding-kernel-" + id);
 const names = {none: v => v, ReLU: v => Math.max(v, 0),
  sigmoid: v => 1 / (1 + Math.exp(-v / 100))};
 const short = v => "" + Math.round(v * 100) / 100;
 const total = parts => parts.reduce((a, c) => a + c, 0);
 const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
 let timer = 0, all = [], low = 0, high = 1;
 const products = p => {
  const W = kernels[+at("k").value], i = Math.floor(p / m), j = p % m;
  return W.map((w, q) => w * x[(i + Math.floor(q / 3)) * n + j + q % 3]);
 };
 const value = p => names[at("f").value](total(products(p)) + +at("b").value);
 const scale = () => {
  if (at("f").value === "sigmoid") return [0, 1];
  if (Math.abs(total(kernels[+at("k").value]) - 1) < 1e-6) return [$low, $high];
  const sizes = all.map((_, p) => Math.abs(total(products(p)))).sort((a, b) => a - b);
  const reach = Math.max(1, Math.round(sizes[Math.floor(.98 * sizes.length)]));
  return [at("f").value === "none" ? -reach : 0, reach];
 };
 const paint = (id, side, grey, mark, size, rim) => {
  const pen = at(id).getContext("2d");
  pen.fillStyle = "#cfe0ee"; pen.fillRect(0, 0, 300, 300);
  for (let q = 0; q < side * side; q++) {
   const g = grey(q);
   if (g === null) continue;
   const s = Math.round(255 * Math.min(1, Math.max(0, g)));
   pen.fillStyle = "rgb(" + s + "," + s + "," + s + ")";
   pen.fillRect((rim + q % side) * px, (rim + Math.floor(q / side)) * px, px + .5, px + .5);
  }
  pen.strokeStyle = "#D55E00"; pen.lineWidth = 3;
  pen.strokeRect((rim + mark % m) * px, (rim + Math.floor(mark / m)) * px, size * px, size * px);
 };
 const draw = () => {
  const p = +at("p").value, parts = products(p), sum = total(parts), bias = +at("b").value;
  paint("x", n, q => (x[q] - $low) / ($high - $low), p, 3, 0);
  paint("y", m, q => q <= p ? (all[q] - low) / (high - low) : null, p, 1, 1);
  at("o").textContent = "Row " + Math.floor(p / m) + ", column " + p % m + ": the nine products " +
   parts.map(short).join(", ") + " add up to " + short(sum) + ". With the bias of " + bias +
   " that is " + short(sum + bias) + "; after f, y = " + short(all[p]) + ".";
 };
 const change = () => {
  all = Array.from({length: m * m}, (_, p) => value(p));
  [low, high] = scale();
  at("s").textContent = ", from " + low + " (black) to " + high + " (white)";
  draw();
 };
 const stop = () => { clearInterval(timer); timer = 0; at("go").textContent = "Play";
  at("o").setAttribute("aria-live", "polite"); };
 const step = () => {
  const next = +at("p").value + (calm ? m : 1);
  if (next >= m * m || document.hidden) return stop();
  at("p").value = next; draw();
 };
 at("go").addEventListener("click", () => {
  if (timer) return stop();
  if (+at("p").value >= m * m - m) at("p").value = 0;
  at("go").textContent = "Pause"; at("o").setAttribute("aria-live", "off");
  timer = setInterval(step, calm ? 1000 : 40);
 });
 at("p").addEventListener("input", draw);
 for (const id of ["k", "f", "b"]) at(id).addEventListener("input", change);
 change();
})();</script>
""")
"""The page's part; all that varies is put in by `sliding_kernel`. One a page: ids are fixed."""


def sliding_kernel(
    image: NDArray[np.integer[Any]],
    kernels: Mapping[str, Sequence[float]],
    *,
    level: tuple[float, float],
    unit: str,
) -> HTML:
    """A figure with controls: the kernel of choice slides over a square image of whole numbers.

    `kernels`: nine weights a name, row by row. `level`: (centre, width) of what is shown from black
    to white, in `unit`. Raises InputError for an image that is not square, at least 4 pixels a
    side and of whole numbers, and for kernels that have not nine weights.
    """
    n = len(image)
    if image.shape != (n, n) or n < 4 or not np.issubdtype(image.dtype, np.integer):
        raise InputError(
            f"the image has shape {image.shape} and type {image.dtype}; "
            "give a square one of whole numbers, at least 4 pixels a side"
        )
    if wrong := [name for name, weights in kernels.items() if len(weights) != TAPS]:
        raise InputError(f"kernel '{wrong[0]}' has {len(kernels[wrong[0]])} weights; give nine")
    html = PAGE.substitute(
        options="".join(_option(number, name) for number, name in enumerate(kernels)),
        weights=json.dumps([list(weights) for weights in kernels.values()]),
        data=json.dumps(image.ravel().tolist()),
        unit=escape(unit),
        n=n,
        last=(n - 2) ** 2 - 1,
        start=(n - 2) * (n // 2) + n // 4,
        low=f"{level[0] - level[1] / 2:g}",
        high=f"{level[0] + level[1] / 2:g}",
    )
    return HTML(html)  # type: ignore[no-untyped-call]


def _option(number: int, name: str) -> str:
    return f'<option value="{number}">{escape(name)}</option>'
