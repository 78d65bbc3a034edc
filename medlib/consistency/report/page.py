"""`medlib grim` as fields in a page: every answer computed beforehand, without a server."""

import json
from collections.abc import Sequence
from string import Template

from medlib.consistency import (
    ORDINARY,
    STANDARD_DEVIATIONS,
    STANDARD_ERRORS,
    find_vectors,
    fold_sizes,
    parse,
    possible_counts,
    spectrum,
)
from medlib.errors import InputError
from medlib.statistics.proportions import proportion_interval

PERCENTAGES = range(75, 100)
"""Mean accuracies that can be chosen."""
SPREADS = range(1, 11)
"""Numbers after the sign +-, in per cent."""
PAGE = Template("""
<form id="grim" style="display:grid;gap:.4rem;max-width:34rem" onsubmit="return false">
<label for="grim-n">Cases: <select id="grim-n">$cases</select></label>
<label for="grim-k">Folds: <select id="grim-k">$folds</select></label>
<label for="grim-m">Mean accuracy, per cent (75 to 99):
 <input id="grim-m" type="range" min="75" max="99" value="92"></label>
<label for="grim-s">Number after ±, per cent (1 to 10):
 <input id="grim-s" type="range" min="1" max="10" value="2"></label>
<output id="grim-o" for="grim-n grim-k grim-m grim-s" aria-live="polite"
 style="white-space:pre-line;min-height:9em;display:block">$first</output></form>
<script>(() => {
 const all = $data, at = id => document.getElementById("grim-" + id);
 const show = () => {
  const [n, k, m, s] = ["n", "k", "m", "s"].map(id => +at(id).value);
  const a = all[[n, k, m]], line = [m + " % ± " + s + " % of " + n + " cases in " + k + " folds"];
  if (!a) line.push("Impossible: no whole number of " + n + " prints as " + m + " %.");
  else {
   const fit = +a[7][s - 1];
   line.push((a[0] === a[1] ? a[0] : a[0] + " to " + a[1]) + " right; " + a[2] +
     " ways to spread them over the folds; smallest SD " + a[3] + " % (population), " + a[4] +
     " % (sample).",
    "± " + s + " % as SD over the folds: " + (fit & 1 ? "can be." : "impossible."),
    "± " + s + " % as standard error: " + (fit & 2 ? "can be." : "impossible."),
    "95 % interval (Wilson): " + a[5] + " to " + a[6] + " %.",
    "Cases for an interval of ± " + s + " %: " +
     Math.ceil(1.959964 ** 2 * m * (100 - m) / s ** 2) + ".");
  }
  at("o").textContent = line.join("\\n");
 };
 for (const id of ["n", "k", "m", "s"]) at(id).addEventListener("input", show);
 show();
})();</script>
""")
"""The fields, and the lines of script that look the answer up."""


def fields(cases: Sequence[int], folds: Sequence[int], first: str) -> str:
    """Return HTML with a field for each number, beginning at 50 cases, 5 folds and 92 % +- 2 %.

    `cases` and `folds` are the choices; `first` stands there until the script has run, and on
    paper. Raises InputError for cases that do not fill the folds evenly.
    """
    uneven = [(n, k) for n in cases for k in folds if n % k]
    if uneven:
        n, k = uneven[0]
        raise InputError(f"{n} cases do not fill {k} folds evenly; give multiples of {k}.")
    allowed = {f"{n},{k},{m}": _allowed(n, k, m) for n in cases for k in folds for m in PERCENTAGES}
    return PAGE.substitute(
        cases=_options(cases, 50), folds=_options(folds, 5), first=first,
        data=json.dumps(allowed, separators=(",", ":")),
    )  # fmt: skip


def _allowed(n: int, folds: int, percent: int) -> list[int | str] | None:
    """What such a mean allows: counts, vectors, smallest SDs, interval, and meanings of a spread.

    None where no count prints so. Meanings are a digit for each of `SPREADS`: 1 an SD over the
    folds, 2 a standard error, 3 both.
    """
    mean, sizes = parse(f"{percent}%", "mean"), fold_sizes(n, folds)
    counts = list(possible_counts(mean, n))
    if not counts:
        return None
    found = spectrum(folds, n // folds, mean)
    if found is None:
        raise InputError(f"{n} cases in {folds} folds take too long; leave them out of the choices")
    low = [f"{100 * found.spreads(s)[0]:.1f}" for s in STANDARD_DEVIATIONS]
    ends = [proportion_interval(c, n) for c in (counts[0], counts[-1])]
    fits = [
        sum(
            bool(find_vectors(sizes, mean, sd, kind, limit=1, roundings=ORDINARY)[0]) << bit
            for bit, kind in enumerate((STANDARD_DEVIATIONS, STANDARD_ERRORS))
        )
        for sd in (parse(f"{spread}%", "sd") for spread in SPREADS)
    ]
    return [
        counts[0], counts[-1], found.total(), *low, f"{100 * ends[0].low:.1f}",
        f"{100 * ends[1].high:.1f}", "".join(map(str, fits)),
    ]  # fmt: skip


def _options(values: Sequence[int], chosen: int) -> str:
    """Entries of a selector."""
    return "".join(f"<option{' selected' * (v == chosen)}>{v}</option>" for v in values)
