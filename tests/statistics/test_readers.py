"""Several readers and cases: a published study, brute force, and studies without a difference."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from medlib import statistics as st
from medlib.errors import InputError

# Van Dyke 1993: spin echo and cine MRI, 5 readers, 114 cases; AUCs, covariances and results as
# printed by OR-DBM MRMC 2.5 (Schartz, Hillis, Pesce & Berbaum), trapezoidal area, jackknife.
AUCS = [
    (0.91964573, 0.94782609),
    (0.85877617, 0.90531401),
    (0.90386473, 0.92173913),
    (0.97310789, 0.99935588),
    (0.82979066, 0.92995169),
]
VARIANCE, COV1, COV2, COV3 = (
    (0.00101410, 0.00059047),
    0.00034661,
    (0.00048396, 0.00020419),
    0.00023903,
)


def van_dyke_covariance():
    """Return a covariance matrix with the published means."""
    errors = np.full((5, 2, 5, 2), COV3)
    for i in range(2):
        errors[:, i, :, i] = COV2[i]
    for j in range(5):
        errors[j, :, j, :] = COV1
        for i in range(2):
            errors[j, i, j, i] = VARIANCE[i]
    return errors.reshape(10, 10)


def test_random_readers_of_van_dyke_as_published():
    found = st.obuchowski_rockette(AUCS, van_dyke_covariance())
    difference = found.differences[0, 1]
    assert difference.difference == pytest.approx(-0.04380032, abs=1e-8)
    assert difference.df == pytest.approx(15.26, abs=0.005)
    assert difference.statistic**2 == pytest.approx(4.46, abs=0.005)
    assert difference.p_value == pytest.approx(0.0517, abs=5e-5)
    assert found.p_value == pytest.approx(difference.p_value, abs=1e-12)
    ends = (difference.interval.low, difference.interval.high)
    assert ends == pytest.approx((-0.08796, 0.00036), abs=5e-6)
    first, second = found.modalities
    assert (first.low, first.high) == pytest.approx((0.82522360, 0.96885048), abs=2e-6)
    assert (second.low, second.high) == pytest.approx((0.89413783, 0.98753689), abs=2e-6)


def test_fixed_readers_of_van_dyke_as_published():
    found = st.obuchowski_rockette(AUCS, van_dyke_covariance(), readers="fixed")
    difference = found.differences[0, 1]
    assert difference.statistic**2 == pytest.approx(5.47595, abs=1e-3)
    assert difference.p_value == pytest.approx(0.0193, abs=5e-5)
    ends = (difference.interval.low, difference.interval.high)
    assert ends == pytest.approx((-0.08049, -0.00711), abs=5e-6)
    first, second = found.modalities
    assert (first.low, first.high) == pytest.approx((0.84943008, 0.94464399), abs=2e-6)
    assert (second.low, second.high) == pytest.approx((0.90795637, 0.97371835), abs=2e-6)


def small_study(seed=3, digits=1):
    study = st.simulate_readers(4, 12, 9, aucs=(0.75, 0.85), seed=seed)
    return study.labels, np.round(study.scores, digits)


def test_the_jackknife_is_every_case_left_out_once():
    labels, scores = small_study()
    rows = scores.reshape(8, -1)
    n = labels.size
    without = np.array(
        [[roc_auc_score(np.delete(labels, k), np.delete(row, k)) for k in range(n)] for row in rows]
    )
    aucs, errors = st.auc_covariance(labels, rows)
    assert aucs == pytest.approx([roc_auc_score(labels, row) for row in rows], abs=1e-12)
    assert errors == pytest.approx(np.cov(without) * (n - 1) ** 2 / n, abs=1e-12)


def test_random_readers_equal_the_dbm_analysis_of_pseudovalues():
    labels, scores = small_study()
    n = labels.size
    found = st.reader_analysis(labels, scores)
    full = np.array([[roc_auc_score(labels, s) for s in reader] for reader in scores])
    without = np.array(
        [
            [
                [roc_auc_score(np.delete(labels, k), np.delete(s, k)) for k in range(n)]
                for s in reader
            ]
            for reader in scores
        ]
    )
    pseudo = n * full[..., None] - (n - 1) * without
    pseudo += (full - pseudo.mean(axis=2))[..., None]  # normalised, so that they average the AUC
    r, t = full.shape

    def centred(values, *axes):
        for axis in axes:
            values = values - values.mean(axis=axis, keepdims=True)
        return values

    ms_t = r * n * (centred(pseudo.mean(axis=(0, 2)), 0) ** 2).sum() / (t - 1)
    ms_tr = n * (centred(pseudo.mean(axis=2), 0, 1) ** 2).sum() / ((t - 1) * (r - 1))
    ms_tc = r * (centred(pseudo.mean(axis=0), 0, 1) ** 2).sum() / ((t - 1) * (n - 1))
    ms_trc = (centred(pseudo, 0, 1, 2) ** 2).sum() / ((t - 1) * (r - 1) * (n - 1))
    error = ms_tr + max(ms_tc - ms_trc, 0)
    difference = found.differences[0, 1]
    assert difference.statistic**2 == pytest.approx(ms_t / error, rel=1e-9)
    df = error**2 / (ms_tr**2 / ((t - 1) * (r - 1)))
    assert difference.df == pytest.approx(df, rel=1e-9)


def test_fixed_readers_are_surer_than_random_ones():
    labels, scores = small_study()
    widths = [
        st.reader_analysis(labels, scores, readers=kind).differences[0, 1].interval.width
        for kind in ("fixed", "random")
    ]
    assert widths[0] < widths[1]


def test_a_model_is_compared_with_readers_as_one_column_of_differences():
    study = st.simulate_readers(5, 40, 40, aucs=(0.8,), seed=1)
    model = np.random.default_rng(2).normal(1.2 * study.labels)
    found = st.model_against_readers(study.labels, model, study.scores[:, 0])
    swapped = st.model_against_readers(study.labels, -model, study.scores[:, 0])
    areas = [roc_auc_score(study.labels, row) for row in study.scores[:, 0]]
    assert found.difference == pytest.approx(roc_auc_score(study.labels, model) - np.mean(areas))
    assert swapped.difference < found.difference
    assert found.df > 4


def test_a_model_is_not_compared_with_the_mean_of_one_reader():
    study = st.simulate_readers(2, 10, 10, aucs=(0.8,), seed=1)
    with pytest.raises(InputError, match="reader_scores hold one reader"):
        st.model_against_readers(study.labels, study.scores[0, 0], study.scores[:1, 0])


def test_delongs_covariance_is_that_of_auc_interval_and_not_the_jackknifes():
    study = st.simulate_readers(2, 12, 15, aucs=(0.8,), seed=1)
    rows = study.scores[:, 0]
    (areas, delong), (_, jackknife) = (
        st.auc_covariance(study.labels, rows, method=method) for method in ("delong", "jackknife")
    )
    span = st.auc_interval(study.labels, rows[0], scale="linear")
    assert areas[0] == pytest.approx(span.estimate)
    assert np.sqrt(delong[0, 0]) * 2 * stats.norm.isf(0.025) == pytest.approx(span.width)
    assert not np.allclose(delong, jackknife, rtol=1e-3)
    assert np.allclose(delong, jackknife, rtol=0.2)


def test_all_modalities_together_are_spoken_of_where_there_are_more_than_two():
    for modalities, said in ((2, False), (3, True)):
        aucs = 0.8 + np.random.default_rng(3).normal(0, 0.03, (4, modalities))
        found = st.obuchowski_rockette(aucs, 0.001 * np.eye(4 * modalities))
        assert ("all modalities alike" in str(found)) == said


@pytest.mark.parametrize(
    ("aucs", "words"),
    [
        ([[0.8], [0.8]], "does not vary among readers or cases"),
        ([[0.8, 0.7], [0.9, 0.8]], "every reader the same difference"),
    ],
)
def test_what_varies_among_neither_readers_nor_cases_is_refused(aucs, words):
    size = len(aucs) * len(aucs[0])
    with pytest.raises(InputError, match=words):
        st.obuchowski_rockette(aucs, np.zeros((size, size)))


def test_one_modality_alone_has_an_interval_and_no_difference():
    found = st.obuchowski_rockette([[1.0], [0.9], [0.0]], 0.001 * np.eye(3))
    assert found.differences == {}
    assert np.isnan(found.p_value)
    assert found.modalities[0].estimate == pytest.approx(1.9 / 3)


def test_studies_without_a_difference_are_rejected_near_the_level():
    rng = np.random.default_rng(2024)
    studies = [st.simulate_readers(4, 25, 25, seed=rng) for _ in range(500)]
    p = [st.reader_analysis(s.labels, s.scores).differences[0, 1].p_value for s in studies]
    assert 0.03 <= np.mean(np.array(p) <= 0.05) <= 0.07


def test_simulated_readers_have_the_auc_asked_for():
    study = st.simulate_readers(200, 400, 400, aucs=(0.7, 0.85), seed=5)
    found, _ = st.auc_covariance(study.labels, study.scores[:, 1])
    assert found.mean() == pytest.approx(0.85, abs=0.02)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s[:, :, :-1], "readers x modalities x cases"),
        (lambda s: np.where(np.arange(s.size).reshape(s.shape) == 5, np.nan, s), "miss 1 readings"),
        (lambda s: s[:1], "two readers"),
        (lambda s: s * 0, "all equal"),
    ],
)
def test_studies_that_cannot_be_analysed_are_refused(change, message):
    labels, scores = small_study()
    with pytest.raises(InputError, match=message):
        st.reader_analysis(labels, change(scores))


@pytest.mark.parametrize(
    ("aucs", "covariance", "message"),
    [
        ([["good", 0.9], [0.7, 0.8]], np.eye(4), "aucs is no table of numbers"),
        ([[np.nan, 0.9], [0.7, 0.8]], np.eye(4), r"aucs\[0\] = nan"),
        ([[70, 80], [75, 85]], np.eye(4), "outside 0..1"),
        ([[0.7, 0.8], [0.7]], np.eye(4), "no table of numbers"),
        ([[0.7, 0.8], [0.7, 0.9]], "none", "covariance is no table"),
        ([0.9, 0.7], np.eye(4), "give readers x modalities"),
        ([[0.9, 0.9], [0.7, 0.8]], np.eye(3), r"\(4, 4\) finite numbers are needed"),
    ],
)
def test_aucs_that_are_no_table_are_named_in_the_form_they_should_have(aucs, covariance, message):
    with pytest.raises(InputError, match=message):
        st.obuchowski_rockette(aucs, covariance)


def test_a_variance_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="variances"):
        st.simulate_readers(2, 5, 5, variances=st.ReaderVariances(0, 0, np.nan, 0, 0, 1))


def three_modalities():
    """Return AUCs of four readers, and errors that covary alike in all pairs of a kind."""
    aucs = np.array([[0.80, 0.84, 0.90], [0.75, 0.83, 0.82], [0.82, 0.80, 0.91], [0.7, 0.79, 0.86]])
    same_reader, same_modality = np.eye(4)[:, None, :, None], np.eye(3)[None, :, None, :]
    errors = 0.0003 + 0.0005 * same_reader + 0.0003 * same_modality
    errors = errors + 0.0009 * same_reader * same_modality
    return aucs, errors.reshape(12, 12)


def test_with_fixed_readers_all_modalities_alike_is_wald_s_test_of_their_means():
    aucs, errors = three_modalities()
    averaging = np.tile(np.eye(3), 4) / 4
    contrast = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]])
    gap = contrast @ aucs.mean(axis=0)
    covariance = contrast @ averaging @ errors @ averaging.T @ contrast.T
    found = st.obuchowski_rockette(aucs, errors, readers="fixed")
    expected = stats.chi2.sf(gap @ np.linalg.solve(covariance, gap), 2)
    assert found.p_value == pytest.approx(expected)


def test_with_random_readers_all_modalities_alike_is_the_f_test_of_hillis():
    aucs, errors = three_modalities()
    means, grand = aucs.mean(axis=0), aucs.mean()
    treatment = 4 * ((means - grand) ** 2).sum() / 2
    rest = aucs - means - aucs.mean(axis=1)[:, None] + grand
    interaction = (rest**2).sum() / 6
    error = interaction + 4 * 0.0003  # Cov2 - Cov3
    df = error**2 / (interaction**2 / 6)
    found = st.obuchowski_rockette(aucs, errors)
    assert found.p_value == pytest.approx(stats.f.sf(treatment / error, 2, df))


def test_modalities_are_named_and_two_readers_are_enough():
    aucs, errors = three_modalities()
    found = st.obuchowski_rockette(aucs, errors)
    assert [each.quantity for each in found.modalities] == [
        f"AUC of modality {i}" for i in (0, 1, 2)
    ]
    labels = np.arange(40) % 2
    scores = np.random.default_rng(2).normal(labels, 1, (3, 40))
    against = st.model_against_readers(labels, scores[0], scores[1:])
    assert 0 < against.p_value < 1
