"""2 x 2 tables, rates and areas under the curve, against trying everything."""

from collections import defaultdict
from fractions import Fraction
from itertools import combinations, pairwise, product

import numpy as np
import pytest

from medlib.consistency import (
    RATES,
    Rounding,
    Table,
    accuracy_bounds,
    auc_bounds,
    feasible_tables,
    fold_counts,
    fold_sizes,
    parse,
    rates_possible,
)
from medlib.errors import InputError, TooManyError


def reported(**texts):
    return {name: parse(text, name) for name, text in texts.items()}


def every_table(positives, negatives):
    return [
        Table(tp, positives - tp, tn, negatives - tn)
        for tp, tn in product(range(positives + 1), range(negatives + 1))
    ]


def half_up(value, digits):
    scaled = value * 10**digits + Fraction(1, 2)
    return f"{float(Fraction(int(scaled), 10**digits)):.{digits}f}"


def fits_somehow(table, texts):
    """Printed so under one convention for all rates, ties falling either way."""
    values = {name: table.rate(name) for name in texts}
    if None in values.values():
        return False
    near = all(abs(values[k] - t.value) <= t.unit / 2 for k, t in texts.items())
    cut = all(t.value <= values[k] < t.value + t.unit for k, t in texts.items())
    return near or cut


@pytest.mark.parametrize("pair", [*combinations([r for r in RATES if r != "prevalence"], 2)])
def test_tables_are_those_found_by_trying_all(pair):
    for positives, negatives in [(5, 4), (3, 6), (1, 2), (4, 0)]:
        tables = every_table(positives, negatives)
        for first, second in product(("0.0", "0.5", "0.6", "0.67", "80%", "1.0"), repeat=2):
            texts = reported(**{pair[0]: first, pair[1]: second})
            expected = {t for t in tables if fits_somehow(t, texts)}
            found = feasible_tables(positives, negatives, texts)
            assert set(found.listed) == expected
            assert found.total == len(expected) == len(found.listed)
            for rate, (low, high) in found.spans.items():
                values = [v for t in expected if (v := t.rate(rate)) is not None]
                assert (low, high) == (min(values), max(values))


def test_unknown_classes_are_all_tried():
    texts = reported(accuracy="0.75", ppv="0.67")
    expected = {t for p in range(9) for t in every_table(p, 8 - p) if fits_somehow(t, texts)}
    assert set(feasible_tables(None, None, texts, n=8).listed) == expected


def test_46_of_50_leaves_five_tables_with_rates_from_84_to_100_percent():
    found = feasible_tables(25, 25, reported(accuracy="92%"))
    assert found.total == 5
    assert found.spans["sensitivity"] == (Fraction(21, 25), 1)
    assert found.spans["specificity"] == (Fraction(21, 25), 1)


def test_counts_from_folds_replace_the_accuracy():
    correct = {r: fold_counts(fold_sizes(50, 5), parse("92%", "mean"), r) for r in Rounding}
    found = feasible_tables(25, 25, reported(sensitivity="96%"), correct=correct)
    assert found.listed == (Table(24, 1, 22, 3),)
    gap = {rounding: [44, 46] for rounding in Rounding}
    found = feasible_tables(25, 25, reported(sensitivity="96%"), correct=gap)
    assert {t.tn for t in found.listed} == {20, 22}


def test_ten_thousand_cases_are_counted_without_being_listed():
    found = feasible_tables(5000, 5000, reported(auc="0.944"), limit=10)
    assert len(found.listed) == 10
    assert found.total > 1_000_000
    with pytest.raises(TooManyError, match="numbers of both classes"):
        feasible_tables(None, None, reported(accuracy="92%"), n=10_000)
    with pytest.raises(InputError, match="n is missing"):
        feasible_tables(None, 5, reported(accuracy="92%"))


@pytest.mark.parametrize(("positives", "negatives"), [(1, 1), (2, 2), (3, 2), (2, 3), (3, 3)])
def test_areas_through_a_table_are_those_of_all_rankings(positives, negatives):
    """All rankings with ties: which (true positives, true negatives, half wins) occur?"""
    n = positives + negatives
    scores = np.array(list(product(range(n), repeat=n)), dtype=np.int8)
    sick, well = scores[:, :positives], scores[:, positives:]
    differences = sick[:, :, None] - well[:, None, :]
    wins = (np.sign(differences) + 1).sum(axis=(1, 2))
    reached = defaultdict(set)
    for threshold in range(n + 1):
        tps, tns = (sick >= threshold).sum(1), (well < threshold).sum(1)
        for tp, tn, area in set(zip(tps.tolist(), tns.tolist(), wins.tolist(), strict=True)):
            reached[tp, tn].add(area)
    for table in every_table(positives, negatives):
        least, most = table.half_wins()
        assert reached[table.tp, table.tn] == set(range(least, most + 1))
    for area in range(2 * positives * negatives + 1):
        text = half_up(Fraction(area, 2 * positives * negatives), 4)
        found = feasible_tables(positives, negatives, reported(auc=text))
        assert {(t.tp, t.tn) for t in found.listed} == {k for k, v in reached.items() if area in v}


def test_an_area_that_no_pairs_can_give_is_refused():
    assert feasible_tables(2, 2, reported(auc="0.60")).total == 0  # eighths only
    assert feasible_tables(2, 2, reported(auc="0.62")).total > 0  # 5/8, cut off or half to even


def curves(positives, negatives):
    """All ROC curves of so many cases, as steps in counts, ties as diagonals."""

    def extend(path):
        f, t = path[-1]
        if (f, t) == (negatives, positives):
            yield path
            return
        for df, dt in product(range(negatives - f + 1), range(positives - t + 1)):
            if df or dt:
                yield from extend([*path, (f + df, t + dt)])

    return extend([(0, 0)])


@pytest.mark.parametrize(("positives", "negatives"), [(2, 2), (3, 3), (2, 4), (4, 3), (1, 4)])
def test_no_small_curve_leaves_the_accuracy_bounds_and_some_touch_them(positives, negatives):
    n, prevalence = positives + negatives, positives / (positives + negatives)
    touched = set()
    for path in curves(positives, negatives):
        steps = pairwise(path)
        area = sum((f2 - f1) * (t1 + t2) for (f1, t1), (f2, t2) in steps)
        bounds = accuracy_bounds(area / (2 * positives * negatives), prevalence)
        accuracies = [(t + negatives - f) / n for f, t in path]
        best, worst = max(accuracies), min(accuracies)
        assert bounds.lowest - 1e-12 <= worst
        assert bounds.lowest_at_best - 1e-12 <= best <= bounds.highest + 1e-12
        touched |= {"low"} if abs(bounds.lowest - worst) < 1e-12 else set()
        touched |= {"best"} if abs(bounds.lowest_at_best - best) < 1e-12 else set()
        touched |= {"high"} if abs(bounds.highest - best) < 1e-12 else set()
    assert touched == {"low", "best", "high"}


@pytest.mark.parametrize(("auc", "prevalence"), [(0.944, 0.5), (0.944, 0.3), (0.8, 0.45)])
def test_the_bounds_are_attained_by_curves_with_that_area(auc, prevalence):
    bounds = accuracy_bounds(auc, prevalence)
    a = bounds.lowest_at_best
    assert a > bounds.trivial
    corner = [(0, (a - 1 + prevalence) / prevalence), ((1 - a) / (1 - prevalence), 1)]
    path = [(0, 0), *corner, (1, 1)]
    area = sum((f2 - f1) * (t1 + t2) / 2 for (f1, t1), (f2, t2) in pairwise(path))
    assert area == pytest.approx(auc, abs=1e-12)
    best = max(prevalence * t + (1 - prevalence) * (1 - f) for f, t in path)
    assert best == pytest.approx(a, abs=1e-12)
    # Steps through sensitivity 1 or specificity 1, whichever serves the rarer class worse.
    u, v = (auc, 1) if prevalence <= 0.5 else (1, auc)
    assert auc_bounds(u, v)[0] == pytest.approx(auc)
    assert prevalence * u + (1 - prevalence) * v == pytest.approx(bounds.highest)


def test_auc_944_says_little_about_accuracy():
    half, rare = accuracy_bounds(0.944, 0.5), accuracy_bounds(0.944, 0.011)
    assert (round(half.lowest_at_best, 3), half.highest) == (0.833, 0.972)
    assert (rare.trivial, rare.highest) == (0.989, pytest.approx(0.999384))
    assert "83.3 to 97.2 %" in str(half)


@pytest.mark.parametrize(("auc", "prevalence", "name"), [(1.1, 0.5, "auc"), (0.9, 0, "prevalence"),
                                                         (float("nan"), 0.5, "auc")])  # fmt: skip
def test_areas_and_prevalences_out_of_range_are_refused(auc, prevalence, name):
    with pytest.raises(InputError, match=f"{name} is"):
        accuracy_bounds(auc, prevalence)
    with pytest.raises(InputError, match="specificity is 2"):
        auc_bounds(0.5, 2)


def test_rates_of_every_small_study_are_possible():
    for n in range(1, 5):
        for positives in range(n + 1):
            for table in every_table(positives, n - positives):
                rates = {r: v for r in RATES if (v := table.rate(r)) is not None}
                texts = {name: parse(half_up(value, 1), name) for name, value in rates.items()}
                assert rates_possible(texts) is not None, (table, texts)


def test_what_is_called_impossible_is_found_in_no_study_and_an_example_is_one():
    rng = np.random.default_rng(0)
    tables = [t for p in range(1, 16) for t in every_table(p, 16 - p)]
    verdicts = set()
    for _ in range(40):
        names = rng.choice(RATES, size=3, replace=False)
        texts = reported(**{name: f"{rng.integers(1, 10) * 10}%" for name in names})
        shares = rates_possible(texts)
        verdicts.add(shares is None)
        if shares is None:
            assert not any(fits_somehow(t, texts) for t in tables)
            continue
        scale = np.lcm.reduce([s.denominator for s in shares], dtype=object)
        assert fits_somehow(Table(*(int(s * scale) for s in shares)), texts)
    assert verdicts == {True, False}


BOTH_92 = {"sensitivity": "92.0%", "specificity": "92.0%"}


@pytest.mark.parametrize(
    ("texts", "possible"),
    [
        ({"accuracy": "97%", "sensitivity": "95%", "specificity": "90%"}, False),
        ({"accuracy": "92%", "sensitivity": "95%", "specificity": "90%"}, True),
        ({**BOTH_92, "prevalence": "1.10%", "ppv": "11.3%"}, True),
        ({**BOTH_92, "prevalence": "1.10%", "ppv": "50.0%"}, False),
        ({"sensitivity": "80%", "ppv": "80%", "f1": "0.85"}, False),
        ({"sensitivity": "0.90", "prevalence": "0.00"}, True),  # rounded, so not quite nobody
        ({"prevalence": "100%", "sensitivity": "0.50", "accuracy": "0.70"}, False),
    ],
)  # fmt: skip
def test_rates_contradict_each_other_or_not(texts, possible):
    assert (rates_possible(reported(**texts)) is not None) == possible
