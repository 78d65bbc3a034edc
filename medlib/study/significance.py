"""What a study's tests show, as sentences made from them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from medlib.errors import InputError
from medlib.results import Results, earlier
from medlib.statistics import Interval, binomial_test, extremes, proportion_interval

LABELS = ("true", "shuffled")
"""The two trainings that `contrast_in_words` sets side by side."""
LEVEL = (0.03, 0.07)
"""A test at 5 % whose share of false alarms lies here does what it says."""


def difference_of_shares(first: Interval, second: Interval) -> Interval:
    """Return first less second for two independent shares, from their intervals.

    Source: Newcombe 1998, Statist. Med. 17:873, method 10.
    """
    gap = first.estimate - second.estimate
    low = np.hypot(first.estimate - first.low, second.high - second.estimate)
    high = np.hypot(first.high - first.estimate, second.estimate - second.low)
    return Interval("difference", gap, gap - low, gap + high, first.confidence, "Newcombe")


def true_minus_shuffled(run: Results) -> Interval:
    """Return the test accuracy with the true labels less that with shuffled ones, as recorded."""
    return difference_of_shares(*(_recorded(run, f"{name}_test_accuracy") for name in LABELS))


def _recorded(run: Results, key: str) -> Interval:
    low, high = run[key].interval or (np.nan, np.nan)
    return Interval("accuracy", _number(run, key), low, high, 0.95, "as recorded")


def _number(run: Results, key: str) -> float:
    value = run[key].value
    if isinstance(value, str | list):
        raise InputError(f"{key} of {run.notebook} is {value!r}; name a record that is a number")
    return float(value)


def contrast_in_words(run: Results) -> str:
    """Return what training on true and on shuffled labels shows, by the two test accuracies.

    Chance is the share of the larger class, whose name alone would be right so often.
    """
    counts = run.cohort["images_per_class"].values()
    chance = max(counts) / sum(counts)
    true, shuffled = (_recorded(run, f"{name}_test_accuracy").low for name in LABELS)
    climbs = min(_number(run, f"{name}_train_accuracy") for name in LABELS) > 0.6
    both = "both training curves climb" if climbs else "both trainings were short"
    gap = true_minus_shuffled(run)
    said = (
        f"{100 * gap.estimate:+.0f} points (95 % interval {100 * gap.low:+.0f} to "
        f"{100 * gap.high:+.0f})"
    )
    if shuffled > chance:
        return f"{said}. Shuffled labels come out above chance: look for a leak before all else."
    if true > chance:
        return (
            f"{said}. The interval of the true labels begins at {true:.2f}, above chance, that of "
            f"the shuffled ones does not, while {both}."
        )
    return (
        f"{said}. With the true labels the interval reaches down to chance as well, so there is no "
        f"contrast: {both}, and nothing shows that the network learned anything about patients."
    )


def clearly_outside(rates: Mapping[str, float], studies: Mapping[str, int]) -> dict[str, str]:
    """Return for each share of false alarms that is shown to lie outside `LEVEL` how, by name.

    rates: share of studies with p < 0.05; studies: how many there were of each. Shown means that
    the whole 95 % interval of the share (Wilson's) lies outside.
    """
    seen = {
        name: proportion_interval(round(rate * studies[name]), studies[name])
        for name, rate in rates.items()
    }
    return {
        name: f"{name}, {100 * rate.estimate:.1f} % (95 % interval {100 * rate.low:.1f} to "
        f"{100 * rate.high:.1f}; {'too careful' if rate.high < LEVEL[0] else 'too bold'})"
        for name, rate in seen.items()
        if rate.high < LEVEL[0] or rate.low > LEVEL[1]
    }


def holding(lowest_coverage: Mapping[str, float], studies: int, least: float = 0.93) -> list[str]:
    """Return the procedures whose lowest coverage is not shown to lie below `least`, in order."""
    ends = {
        name: proportion_interval(round(share * studies), studies).high
        for name, share in lowest_coverage.items()
    }
    return [name for name, high in ends.items() if high >= least]


def record_rates(
    results: Results, prefix: str, table: pd.DataFrame, images: str, studies: int
) -> None:
    """Record for each procedure the median and range over simple pairs, and the rate on images.

    table: a row a procedure, a column a pair of learners; images: the column of image features,
    from so many studies, whose interval is Wilson's.
    """
    for key, row in table.iterrows():
        toy = row.drop(images)
        results.record(
            f"{prefix}_{key}", extremes(toy, toy.median()), unit="median over toy pairs",
            claims=["C44"],
        )  # fmt: skip
        error = proportion_interval(round(row[images] * studies), studies)
        results.record(
            f"features_{prefix}_{key}", row[images], interval=(error.low, error.high),
            claims=["C44"],
        )  # fmt: skip


RIVALS = {
    "wilson_one_run": "Wilson, one run",
    "bayle_one_run": "Bayle's CLT, one run",
    "corrected_t_one_run": "corrected t, one run",
    "corrected_t": "corrected t, all repeats",
    "conservative_z": "conservative z",
    "nested_cross_validation": "nested cross-validation",
    "out_of_fold": "out-of-fold",
}
"""Procedures of `laboratory.compare` that answer for the procedure's accuracy, by recorded key."""
OF_ONE_MODEL = "out-of-fold, one model"
"""The one that answers for the accuracy of one model."""


def record_laboratory(
    results: Results, summary: pd.DataFrame, *, settings: int, studies: int
) -> None:
    """Record what `laboratory.over_settings` says of so many settings of so many studies each."""
    for key, name in RIVALS.items():
        worst = summary["lowest coverage"][name]
        error = proportion_interval(round(worst * studies), studies)
        results.record(
            f"laboratory_lowest_coverage_{key}", worst, interval=(error.low, error.high),
            unit=f"lowest of {settings} settings", claims=["C42"],
        )  # fmt: skip
        results.record(
            f"laboratory_mean_width_{key}", summary["mean width"][name],
            unit=f"mean of {settings} settings", claims=["C42"],
        )  # fmt: skip
        results.record(
            f"laboratory_highest_level_{key}", summary["highest level"][name],
            unit=f"highest of {settings} settings", claims=["C44"], compared=False,
        )  # fmt: skip
    for key, name in (("procedure", RIVALS["out_of_fold"]), ("model", OF_ONE_MODEL)):
        results.record(
            f"laboratory_lowest_share_holding_one_model_target_{key}",
            summary["holds one model, lowest"][name],
            unit=f"lowest of {settings} settings", claims=["C42"],
        )  # fmt: skip


def laboratory_in_words(summary: pd.DataFrame, *, settings: int, studies: int) -> str:
    """Return which procedures hold, and how the recommended one does, from `over_settings`."""
    order = summary.loc[list(RIVALS.values())].sort_values("mean width")
    kept = holding({str(name): order["lowest coverage"][name] for name in order.index}, studies)
    said = f"**Which hold?** Not shown to fall below 93 % in any of the {settings} settings: "
    said += f"{', '.join(kept) or 'none'}."
    if kept:
        fits = summary["fits"][kept[0]]
        said += f" The narrowest of them is **{kept[0]}**, with {fits:.0f} fits."
    if kept[:1] != [RIVALS["out_of_fold"]]:
        said += " That is not what is recommended below: on these images, trust this table."
    low, high = 100 * summary.loc[RIVALS["out_of_fold"], ["lowest level", "highest level"]]
    of_model = 100 * summary["holds one model, lowest"]
    error = 100 * np.sqrt(0.95 * 0.05 / studies)
    return (
        f"{said} The out-of-fold test found what is not there in {low:.1f} to {high:.1f} % of "
        "studies. Its interval for the procedure holds the accuracy of the one model in as few as "
        f'{of_model[RIVALS["out_of_fold"]]:.0f} %, that with `target="model"` in '
        f"{of_model[OF_ONE_MODEL]:.0f} % or more. Each share comes from {studies} studies, so "
        f"chance alone moves one near 5 or 95 % by {error:.1f} points (its standard error)."
    )


def readings_below(two_sided: pd.Series, *, ahead: bool, exact_one_sided: float | None) -> float:
    """Return the share of one- and two-sided readings with p < 0.05.

    two_sided: p-values by test; ahead: whether the result lies on the side that a one-sided test
    asks for; exact_one_sided: that p of the test "mcnemar", where it is not half of the other (a
    binomial away from one half is not symmetric).
    """
    one_sided = two_sided / 2 if ahead else 1 - two_sided / 2
    if exact_one_sided is not None:
        one_sided["mcnemar"] = exact_one_sided
    return float(np.mean([(p < 0.05).mean() for p in (two_sided, one_sided)]))


def against_references(
    run: Results | None, results: Results, key: str, references: tuple[float, ...] = (0.5, 0.75)
) -> str | None:
    """Record and return how an accuracy of another chapter stands to fixed ones, as if one run.

    The number right is the recorded mean over repeats, rounded. None where there is no `run`.
    """
    if run is None:
        return None
    n = run.cohort["images"]
    hits, said = round(_number(run, key) * n), []
    for reference in references:
        answer = binomial_test(hits, n, reference)
        results.record(f"p_resnet50_{100 * reference:.0f}", answer.p_value, claims=["C44"])
        side = "above" if answer.difference > 0 else "below"
        said.append(
            f"{abs(100 * answer.difference):.0f} points {side} {100 * reference:.0f} % "
            f"(p = {answer.p_value:.2g})"
        )
    low, high = run[key].interval or (np.nan, np.nan)
    return (
        f"It was right in {hits} of {n}: {' and '.join(said)}, by the exact binomial test, as "
        f"if it were one run. With the luck of its models the interval is {low:.2f} to {high:.2f}."
    )


def lines_to_run(first: str, second: str, same: Mapping[str, object], parameter: str) -> str:
    """Return the two lines to type that run one chapter and then another that builds on it."""
    then = {**same, parameter: "DIR/first"}
    return (
        "There is no record for these data. Two lines make it:\n\n"
        f"`{earlier.how_to_run(first, same, 'DIR/first')}`\n\n"
        f"`{earlier.how_to_run(second, then, 'DIR/second')}`"
    )
