"""Questions with a margin: is the new model no worse, or as good, by more than would matter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from medlib.errors import InputError
from medlib.statistics._checks import as_binary, as_choice, as_count, as_fraction
from medlib.statistics.auc import delong_test
from medlib.statistics.auc_difference import paired_aucs
from medlib.statistics.outcome import Interval, p_text, percent
from medlib.statistics.paired import discordant, paired_difference_interval, tango_score

Aim: TypeAlias = Literal["non-inferior", "equivalent"]
Measure: TypeAlias = Literal["accuracy", "sensitivity", "specificity"]

JOINED: Final = "DeLong's limits of each joined by MOVER"


@dataclass(frozen=True, slots=True)
class MarginTest:
    """Whether a new model is worse than an old one by a margin, or the data rule that out.

    Attributes: quantity, difference (new minus old), margin (the loss, or for equivalence the
    change, that would matter), aim, p_value (one-sided; of "worse by the margin or more", for
    equivalence the larger of both sides), alpha, interval (of confidence 1 - 2 alpha), method,
    basis.
    """

    quantity: str
    difference: float
    margin: float
    aim: Aim
    p_value: float
    alpha: float
    interval: Interval
    method: str
    basis: str = ""

    @property
    def shown(self) -> bool:
        """Return whether the aim was shown; False means "not shown", never "worse"."""
        return self.p_value <= self.alpha

    def __str__(self) -> str:
        """Return the sentence a report would hold."""
        found = "" if self.shown else "not shown to be "
        span = f"{self.interval.low:+.3f} to {self.interval.high:+.3f}"
        basis = f"; {self.basis}" if self.basis else ""
        return (
            f"{found}{self.aim} within a margin of {self.margin:g}: {self.quantity} "
            f"{self.difference:+.3f} ({percent(self.interval.confidence)} interval {span}), "
            f"one-sided {p_text(self.p_value)} ({self.method}{basis})"
        )


def margin_test(
    labels: ArrayLike,
    predicted_new: ArrayLike,
    predicted_old: ArrayLike,
    *,
    margin: float,
    measure: Measure = "accuracy",
    aim: Aim = "non-inferior",
    alpha: float = 0.025,
) -> MarginTest:
    """Return whether a new model is worse than an old one on the same cases by a margin.

    labels and predictions are 0 or 1, one value a case. sensitivity looks at the positive cases
    alone, specificity at the negative ones. See margin_test_counts.
    Raises InputError for other values, unequal lengths, or no case of the kind.
    """
    truth = as_binary(labels, "labels")
    new = as_binary(predicted_new, "predicted_new", length=truth.size) == truth
    old = as_binary(predicted_old, "predicted_old", length=truth.size) == truth
    kinds = {"accuracy": np.ones_like(truth), "sensitivity": truth, "specificity": ~truth}
    of = kinds[as_choice(measure, "measure", tuple(kinds))]
    only_new, only_old = discordant(new[of], old[of])
    return margin_test_counts(
        only_new, only_old, n=int(of.sum()), margin=margin, measure=measure, aim=aim, alpha=alpha
    )


def margin_test_counts(
    only_new: int,
    only_old: int,
    *,
    n: int,
    margin: float,
    measure: Measure = "accuracy",
    aim: Aim = "non-inferior",
    alpha: float = 0.025,
) -> MarginTest:
    """Return the score test against a margin, from the cases that exactly one model got right.

    Non-inferior: H0 is "new is worse by margin or more"; Tango's score z at a difference of
    -margin, p = 1 - Phi(z). Equivalent: the same at +margin too, p the larger (two one-sided
    tests). The interval is Tango's of confidence 1 - 2 alpha, and lies inside the margin exactly
    where the aim is shown. The margin is fixed before the study, from what a patient would lose.

    By enumeration of all tables (n = 25 to 200, margin 0.05 to 0.15, true difference -margin) it is
    shown by mistake with probability 0.028 at the most for alpha = 0.025; for 0.05, 0.072 at n = 25
    and 0.069 at n = 52, both where only the old model is ever right alone: 0.95^52 = 0.069 is the
    probability of no discordant case, which is then enough to show it within 0.05.

    Assumes independent cases and two fixed models: one image a patient, and no cross-validation
    (there, look whether out_of_fold_test's interval lies above -margin).
    Sources: Tango 1998, Statist. Med. 17:891; Liu, Hsueh, Hsieh & Chen 2002, Statist. Med. 21:231.
    Raises InputError for counts that are not whole or exceed n, and a margin outside 0..1.
    """
    total = as_count(n, "n", least=1)
    new = as_count(only_new, "only_new", most=total)
    old = as_count(only_old, "only_old", most=total - new)
    as_choice(measure, "measure", get_args(Measure))
    delta, level = _margin(margin, aim), _alpha(alpha)
    p_value = _one_sided(lambda difference: tango_score(new, old, total, difference), delta, aim)
    rest = total - new - old
    span = paired_difference_interval(rest, new, old, 0, confidence=1 - 2 * level)
    basis = f"{new} cases only the new got right, {old} only the old, of {total}"
    name = f"difference in {measure}"
    method = "Tango's score test"
    return MarginTest(name, (new - old) / total, delta, aim, p_value, level, span, method, basis)


def margin_test_auc(
    labels: ArrayLike,
    scores_new: ArrayLike,
    scores_old: ArrayLike,
    *,
    margin: float,
    aim: Aim = "non-inferior",
    alpha: float = 0.025,
) -> MarginTest:
    """Return whether a new model's AUC is below an old one's on the same cases by a margin.

    The interval joins auc_interval's limits of either AUC with DeLong's correlation of the two
    (MOVER); p is the alpha at which its end meets the margin. Assumptions as delong_test. Not for
    cross-validated scores.

    May be used with 25 cases or more of either class, also for AUCs near 1. In 2,000 simulated
    studies a setting (normal, unequal and exponential scores, correlation 0.3 and 0.7, AUC of the
    old model 0.75, 0.85 and 0.95, a true difference of -margin; standard error 0.004) it was shown
    by mistake (alpha = 0.025) in 0.007 to 0.031 with 25 + 25 cases, 0.015 to 0.031 with 50 + 50 and
    0.018 to 0.032 with 100 + 100; too careful (below 0.015) near 1 with 25 + 25. With 20 positives
    and 80 negatives 0.016 to 0.043. The usual z with DeLong's standard error of the difference was
    shown by mistake in 0.024 to 0.090 of the same studies of 25 + 25 cases. The interval held the
    difference in 0.946 to 0.977, with 20 positives in 0.930 to 0.957.

    Sources: Zou & Donner 2008, Statist. Med. 27:1693 (MOVER); DeLong et al. 1988, Biometrics
    44:837; Liu, Ma, Wu & Tai 2006, Statist. Med. 25:1219 (margins of AUCs).
    Raises InputError as delong_test does, a margin outside 0..1, and where both models rank all
    cases alike, for then their difference has no variance.
    """
    delta, level = _margin(margin, aim), _alpha(alpha)
    found = delong_test(labels, scores_new, scores_old)
    if found.interval is None:
        raise InputError(
            "scores_new and scores_old rank all cases alike, so their difference in AUC has no "
            "variance; there is nothing to test."
        )
    pair = paired_aucs(labels, scores_new, scores_old)
    confidence = 1 - 2 * level
    low, high = pair.ends(confidence)
    span = Interval(found.quantity, pair.difference, low, high, confidence, JOINED)
    p_value = pair.p_above(-delta)
    if aim == "equivalent":
        p_value = max(p_value, pair.turned().p_above(-delta))
    return MarginTest(
        found.quantity, pair.difference, delta, aim, p_value, level, span, JOINED, found.basis
    )


def _one_sided(z: Callable[[float], float], margin: float, aim: Aim) -> float:
    """Return p of a loss of the margin; for equivalence of a gain too, the larger of both.

    z gives the test statistic for a true difference.
    """
    loss = float(stats.norm.sf(z(-margin)))
    return max(loss, float(stats.norm.cdf(z(margin)))) if aim == "equivalent" else loss


def _margin(margin: float, aim: Aim) -> float:
    as_choice(aim, "aim", ("non-inferior", "equivalent"))
    return as_fraction(margin, "margin", open_ends=True)


def _alpha(alpha: float) -> float:
    level = as_fraction(alpha, "alpha", open_ends=True)
    if level >= 0.5:
        raise InputError(f"alpha = {level:g} is one-sided and must be below 0.5; 0.025 is usual.")
    return level
