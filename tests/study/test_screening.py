"""From scores to people: counts add up, thresholds are others', a null model gains nothing."""

import numpy as np
import pytest
from scipy import stats

from medlib.errors import InputError
from medlib.study import screening
from medlib.study.screening import Readers, Scored, called, people, rule_out, strategies


@pytest.fixture(scope="module")
def cases():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 2_000)
    return Scored(rng.standard_normal(4_000) + 2 * labels, labels, np.arange(4_000) % 5)


def test_people_add_up_and_follow_the_shares():
    crowd = people(0.9, 0.9, prevalence=0.01)
    assert (crowd.found, crowd.missed, crowd.alarmed, crowd.cleared) == (90, 10, 990, 8_910)
    assert crowd.called == 1_080
    assert crowd.needed == 12


def test_nobody_found_needs_endless_reading():
    assert people(0, 1, prevalence=0.01).needed == float("inf")


@pytest.mark.parametrize("wrong", [(1.2, 0.9, 0.01), (0.9, -0.1, 0.01), (0.9, 0.9, 2)])
def test_shares_outside_0_to_1_are_refused(wrong):
    with pytest.raises(InputError, match="between 0 and 1"):
        people(wrong[0], wrong[1], prevalence=wrong[2])


def test_a_case_has_no_say_in_its_own_threshold(cases):
    before = called(cases, screening.cut_for_sensitivity(0.9))
    scores = cases.scores.copy()
    own = cases.folds == 0
    scores[own] -= 100  # the fold's own scores change, its threshold does not
    after = called(Scored(scores, cases.labels, cases.folds), screening.cut_for_sensitivity(0.9))
    assert before[own].any()
    assert not after[own].any()


def test_thresholds_reach_what_they_aim_at(cases):
    ill = cases.labels == 1
    finds = called(cases, screening.cut_for_sensitivity(0.9))[ill].mean()
    spares = 1 - called(cases, screening.cut_for_specificity(0.95))[~ill].mean()
    assert finds == pytest.approx(0.9, abs=0.02)
    assert spares == pytest.approx(0.95, abs=0.02)


def test_what_is_saved_is_what_was_asked_for_and_missed_as_the_normal_curves_say(cases):
    [half] = rule_out(cases, np.array([0.5]), prevalence=0.01)
    assert half.saved == pytest.approx(0.5, abs=0.02)
    cut = 0.0  # of the well, who are nearly all, one half lies below
    assert half.missed.estimate == pytest.approx(stats.norm.cdf(cut - 2), abs=0.01)


def test_a_model_that_knows_nothing_misses_what_it_saves(cases):
    shares = np.array([0.2, 0.5, 0.8])
    deals = [rule_out(cases.dealt_anew(seed), shares, prevalence=0.01) for seed in range(8)]
    missed = np.mean([[found.missed.estimate for found in deal] for deal in deals], axis=0)
    assert missed == pytest.approx(shares, abs=0.02)


def test_dealing_anew_keeps_the_scores_of_each_fold(cases):
    dealt = cases.dealt_anew(3)
    for fold in range(5):
        own = cases.folds == fold
        assert np.array_equal(np.sort(dealt.scores[own]), np.sort(cases.scores[own]))
    assert not np.array_equal(dealt.scores, cases.scores)


@pytest.mark.parametrize("alike", [0.0, 0.5, 1.0])
def test_readers_have_the_sensitivity_and_specificity_they_are_given(cases, alike):
    calls = Readers(0.8, 0.9, alike=alike).calls(cases, 40, np.random.default_rng(0))
    ill = cases.labels == 1
    assert calls[..., ill].mean() == pytest.approx(0.8, abs=0.02)
    assert calls[..., ~ill].mean() == pytest.approx(0.1, abs=0.02)


def test_readers_who_find_the_same_cases_hard_agree_more(cases):
    agree = []
    for alike in (0.0, 1.0):
        one, two, _ = np.moveaxis(
            Readers(alike=alike).calls(cases, 10, np.random.default_rng(0)), 1, 0
        )
        agree.append((one == two).mean())
    assert agree[0] < agree[1] == 1


def test_double_reading_with_a_third_is_the_majority_of_three(cases):
    ways = strategies(cases, cases, Readers(alike=0.0), prevalence=0.01, draws=50)
    finds = ways["two readers"].called[cases.labels == 1].mean()
    assert finds == pytest.approx(0.8**3 + 3 * 0.8**2 * 0.2, abs=0.02)
    reads = ways["two readers"].reads[cases.labels == 1].mean()
    assert reads == pytest.approx(2 + 2 * 0.8 * 0.2, abs=0.02)
    assert (ways["one reader"].reads == 1).all()


def test_a_null_model_in_a_readers_place_finds_fewer(cases):
    ways = strategies(cases, cases.dealt_anew(0), Readers(), prevalence=0.01, draws=50)
    more = screening.found_more(ways["reader and model"], ways["two readers"], 0.01)
    assert more.high < 0


def test_no_difference_in_a_few_cases_is_not_certain(cases):
    few = Scored(cases.scores[1_990:2_010], cases.labels[1_990:2_010], cases.folds[1_990:2_010])
    way = strategies(few, few, Readers(), prevalence=0.01, draws=20)["two readers"]
    more = screening.found_more(way, way, 0.01)
    assert more.estimate == 0
    assert more.high == pytest.approx(100 * 0.2775, abs=0.1)  # Wilson: none of ten
    assert more.low == -more.high


def test_sorting_by_a_null_model_lies_between_one_reader_and_two(cases):
    ways = strategies(cases, cases.dealt_anew(0), Readers(), prevalence=0.01, draws=50)
    found = {name: way.for_many(0.01)["found"] for name, way in ways.items()}
    one, two, _, sorted_ = (found[name] for name in screening.STRATEGIES)
    assert sorted_ == pytest.approx((one + two) / 2, rel=0.03)


@pytest.mark.parametrize(
    ("rule", "label", "said"),
    [
        (screening.cut_for_sensitivity(0.9), 0, "Nobody of 8 is ill"),
        (screening.cut_for_specificity(0.9), 1, "Nobody of 8 is well"),
        (screening.cut_for_workload(0.5, 0.01), 0, "Nobody of 8 is ill"),
    ],
)
def test_where_all_are_alike_no_threshold_can_be_set(rule, label, said):
    alike = Scored(np.linspace(0, 1, 10), np.full(10, label), np.arange(10) % 5)
    with pytest.raises(InputError, match=said):
        called(alike, rule)


@pytest.mark.parametrize("wrong", [{"sensitivity": 1.0}, {"specificity": 0}, {"alike": 1.2},
                                   {"like_model": float("nan")}])  # fmt: skip
def test_readers_that_never_err_are_refused(wrong):
    with pytest.raises(InputError, match=f"^{next(iter(wrong))} is"):
        Readers(**wrong)


def test_one_ill_person_compares_no_two_ways_of_reading():
    one = screening.Reading(np.array([1.0, 0, 0]), np.ones(3), np.array([1, 0, 0]))
    with pytest.raises(InputError, match="1 ill cannot compare"):
        screening.found_more(one, one, 0.01)
