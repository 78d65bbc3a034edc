"""Tests with a margin: exact level, the interval inside the margin, and the cases they need."""

import numpy as np
import pytest
from scipy import stats

from medlib import statistics as st
from medlib.errors import InputError
from medlib.statistics.paired import tango_scores


def tables(n):
    """Return all pairs of discordant counts of n cases."""
    b, c = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    return b[b + c <= n], c[b + c <= n]


@pytest.mark.parametrize(("n", "margin"), [(25, 0.1), (50, 0.05), (50, 0.15), (100, 0.1)])
def test_a_model_worse_by_the_margin_is_called_non_inferior_at_the_level(n, margin):
    b, c = tables(n)
    shown = tango_scores(b, c, n, -margin) >= stats.norm.isf(0.025)
    counts = np.stack([b, c, n - b - c], axis=1)[shown]
    for q in (0.02, 0.1, 0.2, 0.3):
        chance = stats.multinomial.pmf(counts, n, [q, q + margin, 1 - 2 * q - margin]).sum()
        assert chance <= 0.0285


@pytest.mark.parametrize(("n", "margin", "error"), [(25, 0.1, 0.072), (52, 0.05, 0.069)])
def test_no_discordant_case_may_show_it_by_mistake_as_often_as_documented(n, margin, error):
    assert st.margin_test_counts(0, 0, n=n, margin=margin, alpha=0.05).shown
    assert not st.margin_test_counts(0, 1, n=n, margin=margin, alpha=0.05).shown
    assert (1 - margin) ** n == pytest.approx(error, abs=0.0006)


def test_scores_of_many_tables_are_the_scores_of_each():
    b, c = tables(12)
    each = [st.tango_score(int(x), int(y), 12, -0.1) for x, y in zip(b, c, strict=True)]
    assert tango_scores(b, c, 12, -0.1) == pytest.approx(each, abs=1e-12)


@pytest.mark.parametrize("aim", ["non-inferior", "equivalent"])
def test_the_aim_is_shown_exactly_where_the_interval_lies_inside_the_margin(aim):
    for b, c in zip(*tables(40), strict=True):
        found = st.margin_test_counts(int(b), int(c), n=40, margin=0.12, aim=aim)
        low, high = found.interval.low, found.interval.high
        near = min(abs(low + 0.12), abs(high - 0.12)) < 1e-9
        inside = low > -0.12 and (aim == "non-inferior" or high < 0.12)
        assert near or found.shown == inside


def test_at_a_vanishing_margin_it_is_one_half_of_mcnemar_without_correction():
    found = st.margin_test_counts(12, 4, n=50, margin=1e-12)
    assert found.p_value == pytest.approx(stats.norm.sf((12 - 4) / np.sqrt(16)), abs=1e-6)


def test_sensitivity_looks_at_positive_cases_alone():
    labels = [1, 1, 1, 1, 0, 0]
    new, old = [1, 1, 0, 1, 1, 1], [1, 0, 1, 0, 0, 0]
    found = st.margin_test(labels, new, old, margin=0.3, measure="sensitivity")
    assert found == st.margin_test_counts(2, 1, n=4, margin=0.3, measure="sensitivity")
    negative = st.margin_test(labels, new, old, margin=0.3, measure="specificity")
    assert negative.difference == -1


def test_not_shown_is_said_as_that_and_never_as_worse():
    found = st.margin_test_counts(2, 3, n=50, margin=0.05)
    assert not found.shown
    assert str(found).startswith("not shown to be non-inferior within a margin of 0.05")


def two_models(seed=3, n=120, shift=1.5):
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], n // 2)
    old = rng.normal(shift * labels)
    return labels, old + rng.normal(0, 0.7, n), old


def test_limits_of_a_difference_in_auc_are_joined_from_those_of_each():
    labels, new, old = two_models()
    first, second = (st.auc_interval(labels, scores) for scores in (new, old))
    _, covariance = st.auc_covariance(labels, np.stack([new, old]), method="delong")
    r = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    x, y = first.estimate - first.low, second.high - second.estimate
    low = first.estimate - second.estimate - np.sqrt(x**2 + y**2 - 2 * r * x * y)
    found = st.margin_test_auc(labels, new, old, margin=0.1)
    assert found.interval.low == pytest.approx(low, abs=1e-12)
    turned = st.margin_test_auc(labels, old, new, margin=0.1).interval
    assert (turned.low, turned.high) == pytest.approx((-found.interval.high, -found.interval.low))


@pytest.mark.parametrize("margin", [0.01, 0.05, 0.3])
def test_p_of_a_loss_in_auc_is_the_alpha_at_which_the_interval_meets_the_margin(margin):
    labels, new, old = two_models(seed=1)  # a difference of -0.06: beyond one of the margins
    p = st.margin_test_auc(labels, new, old, margin=margin).p_value
    assert (p > 0.5) == (margin < 0.06)
    alpha = min(p, 1 - p)
    span = st.margin_test_auc(labels, new, old, margin=margin, alpha=alpha).interval
    assert (span.high if p > 0.5 else span.low) == pytest.approx(-margin, abs=1e-6)


def test_a_loss_in_auc_near_one_is_seldom_overlooked():
    rng = np.random.default_rng(12)
    labels = np.repeat([0, 1], 25)
    shift = np.sqrt(2) * stats.norm.ppf([[0.85], [0.95]])

    def shown():
        scores = rng.normal(size=(2, 50)) * np.sqrt(0.3) + rng.normal(size=50) * np.sqrt(0.7)
        new, old = scores + shift * labels
        low = st.margin_test_auc(labels, new, old, margin=0.1).interval.low
        return low > -0.1, st.delong_test(labels, new, old).interval.low > -0.1

    joined, plain = np.mean([shown() for _ in range(600)], axis=0)
    assert plain > 0.045  # DeLong's standard error of the difference is too small there
    assert joined < 0.035


def test_equivalent_aucs_lie_inside_the_margin_on_both_sides():
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], 60)
    old = rng.normal(1.0 * labels)
    better = old + 0.5 * labels + rng.normal(0, 0.2, labels.size)
    for margin in (0.05, 0.1, 0.2, 0.3):
        found = st.margin_test_auc(labels, better, old, margin=margin, aim="equivalent")
        inside = -margin < found.interval.low and found.interval.high < margin
        assert found.shown == inside
    assert found.shown
    assert not st.margin_test_auc(labels, better, old, margin=0.05, aim="equivalent").shown


def test_power_is_the_share_of_simulated_studies_that_show_it():
    rng = np.random.default_rng(5)
    draws = rng.multinomial(150, [0.06, 0.08, 0.86], size=20_000)
    shown = tango_scores(draws[:, 0], draws[:, 1], 150, -0.1) >= stats.norm.isf(0.025)
    found = st.power_margin_test(150, 0.06, 0.08, margin=0.1)
    assert found.power == pytest.approx(shown.mean(), abs=0.012)


def test_the_cases_asked_for_reach_the_power_and_keep_it():
    found = st.sample_size_margin_test(0.06, 0.06, margin=0.1, power=0.8)
    near = [st.power_margin_test(found.n + k, 0.06, 0.06, margin=0.1).power for k in range(-1, 12)]
    assert near[0] < 0.8 <= min(near[1:])
    assert near[1] == pytest.approx(found.reached)


@pytest.mark.parametrize(
    ("shares", "margin", "power"), [((0, 0.01), 0.1, 0.9999), ((0.1, 0), 0.1, 0.9999)]
)
def test_no_fewer_cases_reach_the_power_however_far_off_the_formula(shares, margin, power):
    found = st.sample_size_margin_test(*shares, margin=margin, power=power, alpha=0.3)
    reached = [
        st.power_margin_test(n, *shares, margin=margin, alpha=0.3).power
        for n in range(found.n - 1, found.n + 20)
    ]
    assert reached[0] < power <= min(reached[1:])


def test_cases_for_an_auc_give_that_power_in_simulated_studies():
    found = st.sample_size_margin_test_auc(0.8, margin=0.1, prevalence=0.5, correlation=0.5)
    rng = np.random.default_rng(8)
    labels = np.repeat([0, 1], found.n // 2)
    shift = np.sqrt(2) * stats.norm.ppf(0.8)

    def shown():
        shared = rng.normal(size=labels.size) * np.sqrt(0.53)  # scores correlate a little more
        one, two = rng.normal(size=(2, labels.size)) * np.sqrt(0.47) + shared + shift * labels
        return st.margin_test_auc(labels, one, two, margin=0.1).shown

    assert np.mean([shown() for _ in range(800)]) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: st.margin_test_counts(1, 2, n=50, margin=0), "margin = 0"),
        (lambda: st.margin_test_counts(1, 2, n=50, margin=0.1, alpha=0.5), "one-sided"),
        (lambda: st.margin_test_counts(1, 2, n=50, margin=0.1, aim="better"), "'better'"),
        (lambda: st.margin_test([0, 1], [0, 1], [1, 1], margin=0.1, measure="f1"), "'f1'"),
        (lambda: st.margin_test_auc([0, 0, 1, 1], [1, 2, 3, 4], [1, 2, 3, 5], margin=0.1), "alike"),
        (lambda: st.sample_size_margin_test(0.05, 0.15, margin=0.1), "no better than the margin"),
        (lambda: st.sample_size_margin_test(0.1, 0.1, margin=0.1, power=0.02), "power = 0.02"),
        (lambda: st.sample_size_margin_test(0.1, 0.1, margin=0.1, alpha=0.6), "one-sided"),
        (
            lambda: st.sample_size_margin_test_auc(0.8, margin=0.1, prevalence=0.5, power=0.025),
            "power = 0.025",
        ),
        (
            lambda: st.sample_size_margin_test_auc(
                0.8, margin=0.1, prevalence=0.5, difference=-0.1
            ),
            "no better than the margin",
        ),
        (lambda: st.power_margin_test(50, 0.6, 0.6, margin=0.1), "exceed 1"),
        (lambda: st.sample_size_margin_test(0.1, 0.1, margin=0.001), "cannot be shown"),
        (
            lambda: st.sample_size_margin_test_auc(0.8, margin=0.1, prevalence=0.5, correlation=1),
            "below 1",
        ),
    ],
)
def test_impossible_questions_are_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_the_test_of_aucs_says_what_it_compares():
    labels, new, old = [0, 0, 0, 1, 1, 1], [1, 2, 5, 3, 6, 7], [1, 3, 5, 2, 4, 6]
    found = st.margin_test_auc(labels, new, old, margin=0.1)
    assert found.quantity == "difference in AUC"
    assert found.difference == pytest.approx(8 / 9 - 6 / 9)


def test_p_on_alpha_shows_the_aim_and_any_level_below_one_half_may_be_asked():
    p = st.margin_test_counts(7, 4, n=40, margin=0.12).p_value
    assert st.margin_test_counts(7, 4, n=40, margin=0.12, alpha=p).shown
    assert not st.margin_test_counts(7, 4, n=40, margin=0.12, alpha=p * 0.999).shown
    assert st.margin_test_counts(7, 4, n=40, margin=0.12, alpha=0.45).interval.confidence == (
        pytest.approx(0.1)
    )


def test_the_sentence_names_the_discordant_cases_and_one_case_is_a_study():
    found = st.margin_test_counts(2, 3, n=50, margin=0.05)
    assert "; 2 cases only the new got right, 3 only the old, of 50)" in str(found)
    assert not st.margin_test_counts(1, 0, n=1, margin=0.5).shown


def test_aucs_are_taken_to_correlate_by_one_half_and_less_correlation_needs_more_cases():
    at = {"margin": 0.05, "prevalence": 0.3}
    usual = st.sample_size_margin_test_auc(0.85, **at).n
    assert usual == st.sample_size_margin_test_auc(0.85, **at, correlation=0.5).n
    assert st.sample_size_margin_test_auc(0.85, **at, correlation=0).n == pytest.approx(
        2 * usual, abs=2
    )


def test_equivalence_asks_both_sides_and_the_harder_one_decides():
    loss = st.margin_test_counts(9, 2, n=60, margin=0.15).p_value
    gain = st.margin_test_counts(2, 9, n=60, margin=0.15).p_value
    both = st.margin_test_counts(9, 2, n=60, margin=0.15, aim="equivalent").p_value
    assert both == pytest.approx(max(loss, gain))
    assert loss < gain


@pytest.mark.parametrize("alpha", [0, 0.5, 1])
def test_a_level_that_no_one_sided_test_has_is_refused(alpha):
    with pytest.raises(InputError, match="alpha"):
        st.margin_test_counts(3, 2, n=20, margin=0.1, alpha=alpha)


def test_discordant_cases_are_no_more_than_all_cases():
    with pytest.raises(InputError, match="only_old = 5"):
        st.margin_test_counts(8, 5, n=10, margin=0.1)
