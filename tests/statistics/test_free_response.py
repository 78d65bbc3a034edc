"""The free-response ROC: scans that can be counted by hand, enumeration, and bad marks."""

import itertools

import numpy as np
import pytest

from medlib import statistics
from medlib.errors import InputError
from medlib.statistics import free_response as froc

# Two scans. Scan 0: nodules A and B; scan 1: nodule C, which nothing marks.
#   score  .9 A   .8 false   .7 A again   .6 B   .5 false (scan 1)   .4 false (scan 1)
HAND = froc.Marks(
    patient=np.array([0, 0, 0, 0, 1, 1]),
    score=np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]),
    lesion=np.array([0, -1, 0, 1, -1, -1]),
    lesion_patient=np.array([0, 0, 1]),
    scans=np.ones(2),
)


def once(marks, rates):
    return froc.sensitivities(marks, np.ones((1, len(marks.scans))), rates)[0]


def test_two_scans_counted_by_hand():
    # below half a false mark a scan only A lies above .8; with one of two scans wrong, B comes too
    assert once(HAND, [0.25, 0.49, 0.5, 1.0, 8.0]) == pytest.approx(
        [1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3]
    )
    assert statistics.froc(HAND).score.estimate == pytest.approx((2 * 1 / 3 + 5 * 2 / 3) / 7)


def test_a_second_mark_on_a_nodule_counts_neither_way():
    fewer = froc.Marks(
        *(getattr(HAND, n)[[0, 1, 3, 4, 5]] for n in ("patient", "score", "lesion")),
        HAND.lesion_patient,
        HAND.scans,
    )
    rates = [0.1, 0.5, 1, 2]
    assert once(fewer, rates).tolist() == once(HAND, rates).tolist()


def test_a_false_mark_with_the_score_of_a_nodule_is_not_below_it():
    tied = HAND.scored([0.9, 0.9, 0.7, 0.6, 0.5, 0.4])
    assert once(tied, [0.25])[0] == 0


def test_every_threshold_agrees_with_counting():
    rng = np.random.default_rng(0)
    for _ in range(50):
        lesion_patient = np.sort(rng.integers(0, 4, 5))
        lesion = np.concatenate([rng.integers(0, 5, 6), np.full(9, -1)])
        patient = np.where(lesion >= 0, lesion_patient[lesion], rng.integers(0, 4, 15))
        marks = froc.Marks(patient, rng.integers(0, 8, 15) / 8, lesion, lesion_patient, np.ones(4))
        for rate in (0, 0.25, 0.5, 1, 2):
            best = 0.0
            for cut in [*marks.score, -1.0]:
                above = marks.score > cut
                if (above & (lesion < 0)).sum() <= rate * 4:
                    best = max(best, len(set(lesion[above & (lesion >= 0)])) / 5)
            assert once(marks, [rate])[0] == pytest.approx(best)


def test_a_patient_drawn_twice_counts_as_two():
    twice = froc.Marks(
        np.concatenate([HAND.patient, [2, 2, 2, 2]]),
        np.concatenate([HAND.score, HAND.score[:4]]),
        np.concatenate([HAND.lesion, [3, -1, 3, 4]]),
        np.array([0, 0, 1, 2, 2]),
        np.ones(3),
    )
    rates = [0.1, 0.3, 0.5, 0.7, 1, 2]
    by_weight = froc.sensitivities(HAND, np.array([[2.0, 1.0]]), rates)[0]
    assert by_weight == pytest.approx(once(twice, rates))


def test_a_sample_of_false_marks_stands_for_all_of_them():
    every = froc.Marks(
        np.zeros(9, int), np.arange(9.0)[::-1], np.array([0] + [-1] * 8), np.array([0]), np.ones(1)
    )
    tenth = froc.Marks(
        np.zeros(2, int), np.array([8.0, 7.0]), np.array([0, -1]), np.array([0]), np.ones(1), 8.0
    )
    assert once(every, [0.5]) == once(tenth, [0.5]) == [1.0]


def test_chance_is_the_mean_over_all_orders():
    marks = froc.Marks(np.array([0, 0, 1, 1]), np.arange(4.0), np.array([0, -1, 1, -1]),
                       np.array([0, 1]), np.ones(2))  # fmt: skip
    rates = (0.25, 0.5)
    exact = np.mean([once(marks.scored(p), rates).mean() for p in itertools.permutations(range(4))])
    assert statistics.froc_chance(marks, rates=rates, draws=4000).value == pytest.approx(
        exact, abs=0.02
    )


def test_the_threshold_keeps_its_promise_where_it_was_set():
    for rate, wanted in ((0.4, 0.8), (0.5, 0.5), (1.0, 0.4), (2.0, -np.inf)):
        cut = froc.threshold_at(HAND, rate)
        assert cut == wanted
        assert ((HAND.score > cut) & (HAND.lesion < 0)).sum() / 2 <= rate


def test_a_detector_does_not_differ_from_itself_and_does_from_its_reverse():
    rng = np.random.default_rng(1)
    patient = np.repeat(np.arange(30), 10)
    lesion = np.where(np.arange(300) % 10 == 0, np.arange(300) // 10, -1)
    good = froc.Marks(
        patient, (lesion >= 0) + rng.normal(0, 0.5, 300), lesion, np.arange(30), np.ones(30)
    )
    same = statistics.froc_test(good, good)
    assert same.difference == 0
    assert same.p_value == 1
    worse = statistics.froc_test(good, good.scored(-good.score))
    assert worse.interval.low > 0
    found = statistics.froc(good)
    assert found.score.low <= found.score.estimate <= found.score.high
    assert (np.diff(found.curve.sensitivity) >= 0).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"patient": np.zeros(0, int), "score": np.zeros(0), "lesion": np.zeros(0, int)},
            "no mark",
        ),
        ({"lesion_patient": np.zeros(0, int)}, "no lesion"),
        ({"score": np.array([np.nan] * 6)}, "score"),
        ({"lesion": np.array([2, -1, 0, 1, -1, -1])}, "another patient"),
        ({"lesion": np.array([7, -1, 0, 1, -1, -1])}, "lesion holds -1 to 7"),
        ({"scans": np.ones(1)}, "patient holds 0 to 1"),
    ],
)
def test_marks_that_do_not_fit_are_refused(change, said):
    fields = ("patient", "score", "lesion", "lesion_patient", "scans")
    with pytest.raises(InputError, match=said):
        froc.Marks(**({name: getattr(HAND, name) for name in fields} | change))


def all_found(patients):
    """Every patient has a lesion, marked above all false marks."""
    patient = np.repeat(np.arange(patients), 2)
    lesion = np.where(np.arange(2 * patients) % 2 == 0, patient, -1)
    score = (lesion >= 0) + np.linspace(0, 0.5, 2 * patients)
    return froc.Marks(patient, score, lesion, np.arange(patients), np.ones(patients))


def test_all_lesions_found_leaves_room_for_one_that_is_not():
    found = statistics.froc(all_found(30), replicates=200)
    one_in_30 = statistics.proportion_interval(30, 30)
    assert found.score.estimate == 1
    assert (found.score.low, found.score.high) == pytest.approx((one_in_30.low, 1))
    assert (found.curve.low < 0.9).all()


def test_the_score_of_twenty_patients_is_held_as_often_as_it_says():
    def study(rng, patients):
        lesion_patient = np.repeat(np.arange(patients), rng.choice([0, 1, 2, 4], patients))
        false = np.repeat(np.arange(patients), 20)
        patient = np.concatenate([lesion_patient, false])
        lesion = np.concatenate([np.arange(len(lesion_patient)), np.full(len(false), -1)])
        luck = rng.normal(0, 0.5, patients)[patient] * np.where(lesion >= 0, 1, 0)
        score = rng.normal(size=len(patient)) + 2 * (lesion >= 0) + luck
        return froc.Marks(patient, score, lesion, lesion_patient, np.ones(patients))

    truth = once(study(np.random.default_rng(99), 4000), froc.LUNA16_RATES).mean()
    spans = [statistics.froc(study(np.random.default_rng(i), 20), replicates=200).score
             for i in range(120)]  # fmt: skip
    assert np.mean([each.low <= truth <= each.high for each in spans]) >= 0.89


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lesion": np.array([0.0, -1, 0, 1, -1, -1])}, "no whole number"),
        ({"patient": [0.0] * 6}, "no whole number"),
        ({"scans": np.array([1, np.nan])}, "above 0"),
        ({"stands_for": np.inf}, "above 0"),
    ],
)
def test_numbers_that_are_none_are_refused(change, said):
    fields = ("patient", "score", "lesion", "lesion_patient", "scans")
    with pytest.raises(InputError, match=said):
        froc.Marks(**({name: getattr(HAND, name) for name in fields} | change))


def test_questions_without_an_answer_are_refused():
    for rates in ([0.0, 1], [-1], []):
        with pytest.raises(InputError, match="rates"):
            statistics.froc(HAND, rates=rates)
        with pytest.raises(InputError, match="rates"):
            statistics.froc_test(HAND, HAND, rates=rates)
    alone = froc.Marks(*(np.array([k]) for k in (0, 1.0, 0, 0)), np.ones(1))
    with pytest.raises(InputError, match="two or more"):
        statistics.froc(alone)
    with pytest.raises(InputError, match="draws"):
        statistics.froc_chance(HAND, draws=0)
