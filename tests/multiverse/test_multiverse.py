"""A multiverse holds every combination once, and its quick analyses are the plain ones."""

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from medlib import statistics
from medlib.errors import InputError
from medlib.learning.crossval import stratified_patient_folds
from medlib.multiverse import (
    ANALYSIS,
    REPORT,
    analyse,
    faulty,
    outcomes,
    p_values,
    specification_curve,
    specifications,
    worth,
)
from medlib.multiverse.analyses import BEST, PENALTY, best, compact, right_under_each_choice
from medlib.multiverse.reports import fold_means, t_test

CHOICES = {choice.name: choice for choice in ANALYSIS}
VIEWS = list(specifications([CHOICES[n] for n in ("crop", "size", "features")]).itertuples(False))


def study(patients=24, images=2, signal=0.0, features=6, seed=0):
    """Views and images of simulated patients; what tells the classes apart is `signal` SDs."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), images)
    label = patient % 2
    table = pd.DataFrame(
        {"label": label, "patient": patient, "nth": np.tile(np.arange(images), patients)}
    )
    views = {}
    for view in VIEWS:
        x = rng.normal(size=(patients, features))[patient]
        x = x + 0.2 * rng.normal(size=x.shape)
        x[:, 0] += signal * label
        views[tuple(view)] = x
    return views, table


@pytest.fixture(scope="module")
def noise():
    """Accuracies of all specifications on four studies without any signal."""
    return pd.concat(outcomes(analyse(*study(seed=s, features=60), seed=s)) for s in range(4))


@pytest.fixture(scope="module")
def analysed():
    return analyse(*study(signal=1.0), deals=5)


def test_every_combination_of_options_is_there_once():
    table = specifications(ANALYSIS)
    assert len(table) == 864 == np.prod([len(choice.options) for choice in ANALYSIS])
    assert not table.duplicated().any()


def plain(x, y, fold, *, scale_all, selection, classifier):
    """Out-of-fold predictions by scikit-learn's own pipelines."""
    size = x.shape[1] if selection == "none" else min(BEST, x.shape[1])
    z = StandardScaler().fit_transform(x) if scale_all else x
    if selection == "on all data":
        z = z[:, np.sort(np.argsort(-f_values(x, y), kind="stable")[:size])]
    select = SelectKBest(f_values, k=size) if selection == "in the fold" else FunctionTransformer()
    scale = FunctionTransformer() if scale_all else StandardScaler()
    penalised = RidgeClassifier(alpha=PENALTY * size)
    model = KNeighborsClassifier(1) if classifier == "nearest neighbour" else penalised
    pipeline = make_pipeline(select, scale, model)
    predicted = np.empty(len(y), int)
    for k in np.unique(fold):
        predicted[fold == k] = pipeline.fit(z[fold != k], y[fold != k]).predict(z[fold == k])
    return predicted


@pytest.mark.parametrize("features", [8, 200])
def test_quick_predictions_are_those_of_plain_pipelines(features):
    rng = np.random.default_rng(features)
    y = np.arange(40) % 2
    x = rng.normal(size=(40, features)) * rng.uniform(0.1, 50, features) + rng.normal(size=features)
    x[:, : features // 2] += 0.8 * y[:, None]
    x[:, 3] = 7.0  # a feature that never varies
    fold = stratified_patient_folds(y, np.arange(40), folds=5, seed=1)
    right = right_under_each_choice(x, y, fold)
    for i, scale_all in enumerate((False, True)):
        for j, selection in enumerate(("none", "in the fold", "on all data")):
            for k, name in enumerate(CHOICES["classifier"].options):
                predicted = plain(
                    x, y, fold, scale_all=scale_all, selection=selection, classifier=name
                )
                assert np.array_equal(right[i, j, k], predicted == y), (scale_all, selection, name)


def f_values(x, y):
    """F of each column by its definition; 0 for one that does not vary."""
    groups = [x[y == k] for k in (0, 1)]
    within = sum(((g - g.mean(0)) ** 2).sum(0) for g in groups)
    between = sum(len(g) * (g.mean(0) - x.mean(0)) ** 2 for g in groups)
    return np.where(within > 1e-12, between / np.where(within > 1e-12, within, 1), 0.0)


def test_compact_coordinates_keep_all_distances():
    x = np.random.default_rng(3).normal(size=(12, 300))
    small = compact(x)
    assert small.shape == (12, 12)
    for z in (x, small):
        assert ((z[:, None] - z) ** 2).sum(-1) == pytest.approx(
            ((x[:, None] - x) ** 2).sum(-1), abs=1e-5
        )


def test_the_best_columns_are_those_that_separate_the_classes():
    y = np.arange(30) % 2
    x = np.random.default_rng(0).normal(size=(30, 25))
    x[:, [4, 17]] += 5 * y[:, None]
    assert {4, 17} <= set(best(x, y, np.ones(30, bool)))
    assert best(x, y, np.ones(30, bool), number=2).tolist() == [4, 17]


def test_without_a_signal_honest_analyses_are_at_chance_and_faults_are_not(noise):
    honest = noise[~faulty(noise, ANALYSIS)]
    assert honest.accuracy.mean() == pytest.approx(0.5, abs=0.06)
    nearest = noise[noise.classifier == "nearest neighbour"]
    apart = nearest[(nearest.unit == "several, dealt apart") & (nearest.selection == "none")]
    assert apart.accuracy.mean() > 0.9
    selected = noise[noise.selection == "best 10, on all data"]
    assert selected[selected.unit == "one image a patient"].accuracy.mean() > 0.6


def test_images_of_a_patient_stay_together_unless_they_are_dealt_apart(analysed):
    for unit, whole in (("several, patients whole", True), ("several, dealt apart", False)):
        row = analysed.table.index[analysed.table.unit == unit][0]
        fold, patient = analysed.fold[row][0], analysed.patient[row]
        torn = pd.Series(fold).groupby(patient).nunique().gt(1).any()
        assert torn != whole


def test_specifications_of_one_unit_and_fold_number_share_their_deals(analysed):
    rows = analysed.table.groupby(["unit", "folds"]).groups.values()
    for those in rows:
        first = analysed.fold[those[0]]
        assert all(np.array_equal(analysed.fold[row], first) for row in those)


def test_outcomes_are_means_and_sample_spreads_over_folds_and_deals(analysed):
    table = outcomes(analysed, deals="five")
    row = 5
    correct, fold = analysed.correct[row], analysed.fold[row]
    folds = [
        c[f == k].mean() for c, f in zip(correct, fold, strict=True) for k in range(f.max() + 1)
    ]
    assert fold_means(correct, fold) == pytest.approx(np.array(folds))
    assert table["accuracy"][row] == pytest.approx(correct.mean())
    assert table["SD over folds"][row] == pytest.approx(np.std(folds, ddof=1))
    assert table["standard error over folds"][row] == pytest.approx(
        np.std(folds, ddof=1) / np.sqrt(len(folds))
    )
    assert table["SD over deals"][row] == pytest.approx(np.std(correct.mean(1), ddof=1))
    assert outcomes(analysed)["SD over deals"].isna().all()


def test_t_tests_are_those_of_the_statistics_package():
    values = np.random.default_rng(2).normal(0.1, 0.2, 10)
    assert t_test(values).two == pytest.approx(statistics.naive_t(values).p_value)
    corrected = statistics.corrected_t(values, n_train=40, n_test=10)
    assert t_test(values, shared=0.25).two == pytest.approx(corrected.p_value)
    for sign in (1, -1):
        p = t_test(sign * np.abs(values))
        assert p.one == pytest.approx(p.two / 2 if sign > 0 else 1 - p.two / 2)
    assert t_test(values).difference == pytest.approx(values.mean())
    assert t_test(np.full(5, 0.3)).two == 0
    assert t_test(np.zeros(5)).two == 1


def test_the_corrected_test_knows_how_many_cases_trained_and_tested(analysed):
    """n_test / n_train is 1 / 4 for five folds and 1 / 9 for ten, whatever the study."""
    table = p_values(analysed)
    chosen = table[(table.comparator == "guessing") & (table.sides == "two")]
    for folds, train in (("5", 4), ("10", 9)):
        row = chosen[(chosen.folds == folds) & (chosen.test == "corrected t over folds")].iloc[3]
        values = fold_means(analysed.correct[row.number][:1], analysed.fold[row.number][:1])
        expected = statistics.corrected_t(values, reference=0.5, n_train=train, n_test=1)
        assert row.p == pytest.approx(expected.p_value)


def test_exact_tests_count_patients_not_images(analysed):
    table = p_values(analysed, deals="five").set_index(["comparator", "test", "sides"]).sort_index()
    found = table.loc[("75 %", "exact over patients", "two")].set_index("number")
    for row in (0, 300, 800):
        share = pd.Series(analysed.correct[row].mean(0)).groupby(analysed.patient[row]).mean()
        right = int((share > 0.5).sum())
        assert found.p[row] == pytest.approx(statistics.binomial_test(right, 24, 0.75).p_value)


@pytest.mark.parametrize(
    ("comparator", "features"),
    [("first-order model", "first order"), ("texture model", "textures")],
)
def test_models_are_comparators_of_deep_features_under_the_same_choices(
    analysed, comparator, features
):
    table = p_values(analysed)
    against = table[table.comparator == comparator]
    assert set(against.features) == {"ImageNet network"}
    row = against[(against.test == "exact over patients") & (against.unit == "one image a patient")]
    row = row.iloc[0]
    other = analysed.table
    for name in (n for n in CHOICES if n not in ("features", "classifier")):
        other = other[other[name] == row[name]]
    other = other[(other.features == features) & (other.classifier == "ridge regression")]
    ours, theirs = analysed.correct[row.number][0], analysed.correct[other.index[0]][0]
    counts = (ours & ~theirs).sum(), (~ours & theirs).sum()
    expected = statistics.mcnemar_counts(*counts, n=24)
    assert (row.p, row.difference) == pytest.approx((expected.p_value, expected.difference))


def test_an_option_is_worth_what_it_adds_to_otherwise_equal_specifications():
    table = specifications(ANALYSIS)
    gains = {"unit": {"several, dealt apart": 0.2}, "classifier": {"nearest neighbour": -0.05}}
    noise = np.random.default_rng(0).normal(size=2 * 432)
    table["x"] = 0.5
    for name, gain in gains.items():
        table["x"] += table[name].map(gain).fillna(0)
    found = worth(table, "x", ANALYSIS).set_index("option")
    assert found["mean"]["several, dealt apart"] == pytest.approx(0.2)
    assert found["mean"]["nearest neighbour"] == pytest.approx(-0.05)
    assert found["mean"].drop(["several, dealt apart", "nearest neighbour"]).abs().max() < 1e-12
    assert found["against"]["several, dealt apart"] == "several, patients whole"
    assert found["up"]["several, dealt apart"] == 1 == found["down"]["nearest neighbour"]
    assert found["pairs"]["several, dealt apart"] == 288
    table["x"] += noise
    mean = table.groupby("crop")["x"].mean()
    found = worth(table, "x", ANALYSIS).set_index("option")
    half = [table.x[table.crop == o].to_numpy() for o in ("whole image", "central half")]
    ends = np.percentile(half[1] - half[0], [5, 95])
    assert found.loc["central half", ["low", "high"]].to_list() == pytest.approx(ends)
    assert found["mean"]["central half"] == pytest.approx(
        mean["central half"] - mean["whole image"]
    )


def test_a_missing_specification_is_named():
    table = specifications(ANALYSIS).assign(x=0.5).drop(7)
    with pytest.raises(InputError, match="not every specification"):
        worth(table, "x", ANALYSIS)


def test_faults_are_marked_in_analyses_and_reports():
    table = specifications(ANALYSIS)
    honest = table[~faulty(table, ANALYSIS)]
    assert len(honest) == 864 * 2 / 3 / 2 * 2 / 3
    wrong = ["several, dealt apart", "on all data", "best 10, on all data"]
    assert not honest.isin(wrong).to_numpy().any()
    report = pd.DataFrame({"test": ["plain t over deals", "exact over patients"]})
    assert faulty(report, REPORT).tolist() == [True, False]


def test_a_standard_error_over_folds_of_five_deals_is_a_fault():
    """It takes the same cases, dealt five times, for five times as many: a plain t-test's error."""
    report = pd.DataFrame({"spread": [*REPORT[1].options]})
    assert faulty(report, REPORT).tolist() == [False, True, False]
    rng = np.random.default_rng(5)
    cases = (rng.random((400, 50)) < 0.8).astype(float)  # of 400 studies, no model in between
    folds = rng.permuted(np.repeat(cases[:, None], 5, axis=1), axis=2).reshape(400, 25, 10).mean(2)
    claimed = (folds.std(axis=1, ddof=1) / np.sqrt(25)).mean()
    assert claimed < 0.6 * cases.mean(axis=1).std(ddof=1)


def test_more_deals_than_were_analysed_are_refused():
    analysed = analyse(*study(patients=20))
    with pytest.raises(InputError, match="5 deals are asked for"):
        outcomes(analysed, deals="five")
    with pytest.raises(InputError, match="one or five"):
        outcomes(analysed, deals="six")


def test_features_of_other_images_are_refused():
    views, table = study()
    with pytest.raises(InputError, match=r"features of 48 images.* has 47 rows"):
        analyse(views, table.iloc[1:])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda views, table: (dict(list(views.items())[1:]), table), "is missing"),
        (lambda views, table: ({k: x * np.nan for k, x in views.items()}, table), "finite"),
        (lambda views, table: ({k: x[:, 0] for k, x in views.items()}, table), "finite"),
        (lambda views, table: (views, table.drop(columns="nth")), "no column 'nth'"),
        (lambda views, table: (views, table.assign(label=0)), "not 0 and 1"),
        (lambda views, table: (views, table.assign(patient="a")), "no whole numbers"),
    ],
)
def test_studies_that_cannot_be_analysed_are_refused(spoil, said):
    with pytest.raises(InputError, match=said):
        analyse(*spoil(*study()))


def test_specifications_given_twice_are_not_averaged():
    table = specifications(ANALYSIS[:2]).assign(accuracy=0.5)
    with pytest.raises(InputError, match="twice"):
        worth(pd.concat([table, table]), "accuracy", ANALYSIS[:2])
    with pytest.raises(InputError, match="no column 'spread'"):
        worth(table, "spread", ANALYSIS[:2])


def test_the_curve_shows_each_specification_and_its_options():
    table = specifications(ANALYSIS[:2]).assign(accuracy=np.linspace(0.5, 0.9, 6))
    wrong = faulty(table, ANALYSIS)
    ends = table.accuracy.to_numpy()[:, None] + [-0.1, 0.1]
    figure = specification_curve(table, "accuracy", ends, ANALYSIS[:2], wrong=wrong)
    upper, lower = figure.axes
    assert sum(len(line.get_xdata()) for line in upper.lines) == 6
    assert sum(len(line.get_xdata()) for line in lower.lines[:5]) == 12  # two options of each
    assert lower.get_yticklabels()[0].get_text() == "unit: one image a patient"


def drawn_order(figure, options):
    """Which of `options` each place of the curve took, from the ticks of the matrix."""
    ticks = [line.get_xdata() for line in figure.axes[1].lines[: len(options)]]
    return [next(o for o, x in zip(options, ticks, strict=True) if place in x) for place in
            range(sum(map(len, ticks)))]  # fmt: skip


def test_ties_of_the_curve_do_not_show_the_order_of_the_list():
    table = specifications(ANALYSIS).assign(accuracy=0.8)
    figure = specification_curve(
        table, "accuracy", np.tile([0.7, 0.9], (864, 1)), ANALYSIS, wrong=faulty(table, ANALYSIS)
    )
    units = drawn_order(figure, CHOICES["unit"].options)
    assert units != list(table.unit)
    first = units[:432].count("one image a patient")
    assert first == pytest.approx(144, abs=40)  # by list order it would be 288


def test_the_curve_says_which_options_its_top_tenth_took():
    table = specifications(ANALYSIS[:2])
    table["accuracy"] = (
        0.5 + 0.1 * (table.unit == "several, dealt apart") + 0.1 * (table.folds == "10")
    )
    table = pd.concat([table] * 5, ignore_index=True)
    figure = specification_curve(
        table, "accuracy", np.tile([0.4, 0.8], (30, 1)), ANALYSIS[:2], wrong=np.zeros(30, bool)
    )
    said = [text.get_text() for text in figure.axes[1].texts]
    assert said == ["0%", "0%", "100%", "0%", "100%", "top tenth"]
