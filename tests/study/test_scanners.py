"""Numbers of left-out sites: what they are, what chance alone makes of them, and what leaks."""

from dataclasses import replace

import numpy as np
import pytest

from medlib.cohorts import from_arrays
from medlib.errors import InputError
from medlib.learning.sites import remedies
from medlib.learning.sites.remedies import PLAIN, Material
from medlib.study import harmonising, scanners, site_spans

N, SITES = 40, 4
SITE = np.repeat(np.arange(SITES), N)
Y = np.tile([0, 1], N * SITES // 2)


def made(shift, seed=0, signal=1.5, k=12):
    """Four sites of 40 cases; features of each are shifted by `shift` times its number."""
    x = np.random.default_rng(seed).normal(size=(len(Y), k))
    x[:, 0] += signal * Y
    x += shift * SITE[:, None]
    names = ("plain", "resampled", "standardised", "adapted", "rescanned 1", "rescanned 2")
    return Material(dict.fromkeys(names, x), Y, SITE, np.arange(len(Y)))


def test_numbers_of_a_site_are_those_of_its_cases_alone():
    data = made(0)
    scores, cuts = np.linspace(0, 1, len(Y)), np.full(len(Y), 0.3)
    table = scanners.by_site(data, scores, cuts)
    last = table.loc[3]  # all its scores are above 0.75
    assert last.sensitivity == 1
    assert last.specificity == 0
    assert last.accuracy == 0.5
    assert last.drift == pytest.approx(scores[SITE == 3].mean() - 0.5)
    turned = scanners.by_site(data, np.where(SITE == 3, scores, 1 - scores), cuts)
    np.testing.assert_array_equal(turned.loc[3], last)


def test_intervals_hold_the_means_over_sites():
    data = made(0)
    scores, cuts = remedies.joined(remedies.left_out(data, PLAIN, jobs=1), len(Y))
    table, spans = (
        scanners.by_site(data, scores, cuts),
        site_spans.spans(data, scores, cuts, seed=0),
    )
    for measure in ("auc", "accuracy", "sensitivity", "specificity"):
        assert spans[measure].estimate == pytest.approx(table[measure].mean())
        assert spans[measure].low < table[measure].mean() < spans[measure].high
    assert spans["worst"].estimate == pytest.approx(table.accuracy.min())
    assert spans["drift"].estimate == pytest.approx(table.drift.abs().mean())


def test_the_matrix_tests_each_case_once_a_deal_by_models_that_never_saw_it(monkeypatch):
    seen = []
    original = scanners.held_out

    def watched(data, remedy, train, inner):
        seen.append((train.copy(), inner.copy()))
        return original(data, remedy, train, inner)

    monkeypatch.setattr(scanners, "held_out", watched)
    scores, fold = scanners.here_and_there(made(0), deals=1, seed=0, jobs=1)
    assert np.isfinite(scores).all()
    assert scores.shape == (1, SITES, len(Y))
    assert {len(np.unique(SITE[train])) for train, _ in seen} == {1}
    assert {int(train.sum()) for train, _ in seen} == {N * 4 // 5}
    np.testing.assert_array_equal(np.bincount(fold[0]), SITES * N // 5)


def test_a_shift_costs_at_other_sites_and_not_at_the_own():
    data = made(0, signal=4.0)
    x = data.views["plain"].copy()
    x[SITE == 3, 0] *= -1  # what means disease elsewhere means health there
    scores, _ = scanners.here_and_there(
        Material({"plain": x}, Y, SITE, data.patient), deals=2, seed=0
    )
    matrix = scanners.areas(data, scores)
    assert np.diag(matrix).min() > 0.7
    assert scanners.elsewhere(matrix)[3] < 0.3
    own = scanners.own_and_other(data, scores, seed=0)
    assert own["gap"].low > 0
    assert own["own"].estimate == pytest.approx(np.diag(matrix).mean())
    assert own["other"].estimate == pytest.approx(scanners.elsewhere(matrix).mean())


def test_equal_sites_cannot_be_told_apart_and_shifted_ones_can():
    assert 0.25 in scanners.told_apart(made(0), PLAIN, seed=0)
    shifted = scanners.told_apart(made(2), PLAIN, seed=0)
    assert shifted.low > 0.8
    combat = next(way for way in remedies.REMEDIES if way.key == "combat")
    assert scanners.told_apart(made(2), combat, seed=0).estimate < 0.5


def test_confounded_choices_have_equal_sizes_and_the_shares_they_say():
    unequal, equal = scanners.confounded(Y, SITE, seed=0)
    assert unequal.sum() == equal.sum()
    shares = [Y[unequal & (s == SITE)].mean() for s in range(SITES)]
    np.testing.assert_allclose(shares, [0.2, 0.8, 0.2, 0.8], atol=0.02)
    np.testing.assert_array_equal([Y[equal & (s == SITE)].mean() for s in range(SITES)], 0.5)
    assert not np.any(scanners.confounded(Y[::8], SITE[::8], seed=0))


def test_a_comparison_of_equal_numbers_finds_nothing():
    same = scanners.against([0.8, 0.9, 0.7], [0.8, 0.9, 0.7])
    assert (same.difference, same.p_value) == (0, 1)
    assert same.interval.width == 0
    assert scanners.against([0.8, 0.9, 0.71], [0.7, 0.8, 0.6]).p_value < 0.01


@pytest.mark.parametrize(("one", "other"), [([0.8], [0.7]), ([], []), ([0.8, 0.9], [0.7, 0.8])])
def test_what_cannot_be_compared_is_refused_and_not_significant(one, other):
    with pytest.raises(InputError):
        scanners.against(one, other)


def test_models_of_one_site_each_are_compared_by_leaving_sites_out_of_rows_and_columns():
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 5, 5))
    found, gaps = scanners.across(one, other), one - other
    np.fill_diagonal(gaps, np.nan)
    left = [np.nanmean(np.delete(np.delete(gaps, k, 0), k, 1)) for k in range(5)]
    variance = 4 / 5 * ((left - np.mean(left)) ** 2).sum()
    assert found.difference == pytest.approx(np.nanmean(gaps))
    assert (found.difference / found.statistic) ** 2 == pytest.approx(variance)
    assert scanners.across(one, one).p_value == 1
    with pytest.raises(InputError, match="2 sites"):
        scanners.across(one[:2, :2], other[:2, :2])


def test_a_lucky_model_is_no_better_way_of_learning():
    """A luck of each model (row) and each site (column) and no difference between the ways."""
    rng, n = np.random.default_rng(1), 400
    luck = 2 * rng.standard_normal((n, 8, 1)) + rng.standard_normal((n, 1, 8))
    said = luck + 0.3 * rng.standard_normal((n, 8, 8))
    p = np.array([scanners.across(each, np.zeros((8, 8))).p_value for each in said])
    naive = [scanners.against(scanners.elsewhere(each), np.zeros(8)).p_value for each in said]
    assert 0.02 < (p < 0.05).mean() < 0.08
    assert (np.array(naive) < 0.05).mean() > 0.08


def test_no_drift_is_held_by_its_interval_and_so_is_the_worst_of_equal_sites():
    held = {"drift": 0, "worst": 0}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scores = rng.choice([0.2, 0.8], len(Y))
        data = Material({}, (rng.random(len(Y)) < scores).astype(int), SITE, np.arange(len(Y)))
        found = site_spans.spans(data, scores, np.full(len(Y), 0.5), seed=seed)
        held["drift"] += 0 in found["drift"]
        held["worst"] += 0.8 in found["worst"]
    assert min(held.values()) >= 36


def test_where_a_new_site_has_nobody_left_no_gain_is_told():
    with pytest.raises(InputError):
        harmonising.few_cases(made(0), 20, draws=1, seed=0)


def test_where_sites_do_not_differ_no_remedy_is_claimed_to_help():
    ways = (PLAIN, *remedies.REMEDIES)
    every = [harmonising.tried(made(0), way, deals=1, seed=0) for way in ways]
    claims = list(harmonising.gains(every).verdict)
    assert claims.count("helped") == 0
    assert len(claims) == (2 * len(remedies.REMEDIES) - 1)  # GroupDRO needs several sites


def test_combat_that_was_told_all_labels_tells_random_ones():
    x = np.random.default_rng(5).normal(size=(len(Y), 1000))
    found = harmonising.leak(
        Material({"plain": x}, Y, SITE, np.arange(len(Y))), of_site=8, deals=4, seed=0
    )
    assert found["on all"].mean() > 0.6
    assert found["in the fold"].mean() < 0.55


@pytest.mark.parametrize("seed", range(3))
def test_small_studies_keep_every_site_in_training(seed):
    x = np.random.default_rng(5).normal(size=(len(Y), 20))
    data = Material({"plain": x}, Y, SITE, np.arange(len(Y)))
    found = harmonising.leak(data, of_site=4, deals=10, seed=seed)  # plain folds often leave one
    assert np.isfinite(found["in the fold"]).all()


def test_smaller_studies_are_refused_before_any_is_drawn():
    with pytest.raises(InputError, match=r"3 patients a site .* give 4 or more"):
        harmonising.leak(made(0), of_site=3, deals=4, seed=0)


def test_dealing_patients_to_sites_keeps_shares_and_takes_the_shift():
    images = np.random.default_rng(0).integers(0, 255, (len(Y), 8, 8))
    cohort = from_arrays(images, Y, patient_ids=np.arange(len(Y)) // 2 * 2 + Y)
    cohort = replace(cohort, table=cohort.table.assign(site=[f"S{s}" for s in SITE]))
    dealt = harmonising.without_shift(cohort, seed=0)
    before, after = (pd_counts(each) for each in (cohort, dealt))
    assert before.equals(after)
    assert (dealt.table.site != cohort.table.site).mean() > 0.5


def pd_counts(cohort):
    return cohort.table.groupby(["site", "label"]).size()


def test_sites_by_grain_follow_the_noise_of_patients_and_no_label():
    rng = np.random.default_rng(0)
    noise = np.repeat([5.0, 20.0, 40.0, 80.0], 10)[:, None, None]
    images = 128 + noise * rng.standard_normal((40, 16, 16))
    cohort = from_arrays(images, np.tile([0, 1], 20), patient_ids=np.arange(40), name="mine")
    sites = scanners.sites_by(cohort, scanners.GRAIN).table.site
    assert list(sites) == [f"grain {k}" for k in (1, 2, 3, 4) for _ in range(10)]
    with pytest.raises(InputError, match=r"mine has no column 'vendor' to tell sites by.*site"):
        scanners.sites_by(cohort, "vendor")


def test_a_gap_has_an_interval_though_some_replicates_drew_nobody_of_a_group():
    group = np.arange(len(Y)) < 3
    found = harmonising.gap(made(0), np.linspace(0, 1, len(Y)), group, ~group, seed=0)
    assert np.isfinite([found.low, found.high]).all()


def test_a_gap_of_half_the_size_takes_about_four_times_the_patients():
    ten, five = (harmonising.patients_for_gap(0.8, points / 100) for points in (10, 5))
    assert ten == 294  # R: power.prop.test(p1 = .8, p2 = .7, power = .8), n = 293.15
    assert 3.3 < five / ten < 4.2


def test_subgroups_are_told_as_far_as_the_table_tells_them():
    cohort = from_arrays(np.zeros((40, 8, 8)) + np.arange(40)[:, None, None], np.tile([0, 1], 20))
    assert harmonising.subgroups(cohort) == {}
    table = cohort.table.assign(
        PatientSex=["F", "M"] * 20, PatientAge=["050Y"] * 20 + ["070Y"] * 20
    )
    alone = np.where(np.arange(40) % 2, "m", table.patient_id)  # twenty images of one man
    few = harmonising.subgroups(replace(cohort, table=table.assign(patient_id=alone)))
    assert "sex" not in few
    found = harmonising.subgroups(replace(cohort, table=table))
    assert {name: (int(a.sum()), int(b.sum())) for name, (_, _, a, b) in found.items()} == {
        "sex": (20, 20),
        "age": (20, 20),
    }
