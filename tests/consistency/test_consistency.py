"""Reported numbers: nothing that can be is called impossible, nothing impossible possible."""

from collections import defaultdict
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import product

import pytest

from medlib.consistency import (
    FoldVector,
    Rounding,
    Spread,
    every_result,
    expected_sd,
    find_vectors,
    finer_units,
    fold_counts,
    fold_sizes,
    matching_vectors,
    over_folds,
    parse,
    parse_count,
    parse_counts,
    possible_counts,
    repeat_means,
    spectrum,
    spreads_matched,
    standard_error,
)
from medlib.consistency.grim import group_totals
from medlib.errors import InputError, TooManyError

PYTHON_ROUNDING = {
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.TRUNCATED: ROUND_DOWN,
}
MEAN, SD = parse("92%", "mean"), parse("2%", "sd")
FIVE = fold_sizes(50, 5)


def printed(square, decimals, rounding, percent):
    """The root of an exact square, shortened by the decimal module: a way of its own."""
    with localcontext() as context:
        context.prec = 60
        root = (Decimal(square.numerator) / Decimal(square.denominator)).sqrt()
        value = root * (100 if percent else 1)
        step = Decimal(1).scaleb(-decimals)
        return f"{value.quantize(step, rounding=PYTHON_ROUNDING[rounding])}{'%' * percent}"


def all_vectors(sizes):
    """Every result of the folds, the order of equal folds aside."""
    seen = set()
    for correct in product(*(range(m + 1) for m in sizes)):
        pairs = sorted(zip(sizes, correct, strict=True), reverse=True)
        seen.add(tuple(c for _, c in pairs))
    return [FoldVector(c, tuple(sorted(sizes, reverse=True))) for c in sorted(seen)]


def reports(sizes, spread, rounding, decimals, percent):
    """What each vector would be printed as: {(mean, spread): vectors}."""
    table = defaultdict(set)
    for vector in all_vectors(sizes):
        variance = vector.sum_of_squares / spread.divisor(len(sizes))
        sd = printed(variance, decimals, rounding, percent)
        for mean in (vector.mean, vector.pooled):
            table[printed(mean**2, decimals, rounding, percent), sd].add(vector.correct)
    return table


SMALL = [(n, k) for n in range(2, 13) for k in range(2, 5) if k <= n]


@pytest.mark.parametrize(("n", "folds"), SMALL)
@pytest.mark.parametrize("rounding", PYTHON_ROUNDING)
def test_every_small_study_is_judged_as_by_trying_everything(n, folds, rounding):
    sizes = fold_sizes(n, folds)
    for spread in Spread:
        table = reports(sizes, spread, rounding, 1, percent=False)
        for mean, sd in product(range(11), range(8)):  # every pair of texts, occurring or not
            texts = f"{mean / 10:.1f}", f"{sd / 10:.1f}"
            found = matching_vectors(
                sizes, parse(texts[0], "m"), parse(texts[1], "s"), spread, rounding
            )
            listed = [v.correct for v in found]
            assert set(listed) == table.get(texts, set()), (texts, spread)
            assert len(listed) == len(set(listed))


@pytest.mark.parametrize(("n", "folds"), [(5, 2), (7, 3), (8, 4), (10, 4), (11, 3), (12, 4)])
@pytest.mark.parametrize("rounding", PYTHON_ROUNDING)
def test_every_percentage_a_small_study_prints_leads_back_to_it_and_to_nothing_else(
    n, folds, rounding
):
    sizes = fold_sizes(n, folds)
    for spread, decimals in product((Spread.POPULATION, Spread.SAMPLE), (0, 1)):
        table = reports(sizes, spread, rounding, decimals, percent=True)
        for (mean, sd), expected in table.items():
            found = matching_vectors(sizes, parse(mean, "m"), parse(sd, "s"), spread, rounding)
            assert {v.correct for v in found} == expected


@pytest.mark.parametrize("sizes", [(4, 3, 2), (5, 5, 2), (3, 2, 2, 1)])
def test_folds_of_given_sizes_are_judged_as_by_trying_everything(sizes):
    table = reports(sizes, Spread.SAMPLE, Rounding.HALF_UP, 0, percent=True)
    for (mean, sd), expected in table.items():
        found = matching_vectors(
            sizes, parse(mean, "m"), parse(sd, "s"), Spread.SAMPLE, Rounding.HALF_UP
        )
        assert {v.correct for v in found} == expected


def test_a_fold_far_from_the_others_is_not_overlooked():
    sizes, mean, spread = (20, 9, 9), parse("62%", "mean"), parse("27%", "sd")
    expected = {
        v.correct
        for v in all_vectors(sizes)
        if spreads_matched(v, mean, spread).get(Spread.POPULATION, ())
    }
    found, complete = find_vectors(sizes, mean, spread, (Spread.POPULATION,), limit=5000)
    assert complete
    assert {v.correct for v in found} == expected
    assert any(abs(v.accuracies[0] - v.mean) > spread.value * 6 / 5 for v in found)


def test_floating_point_ties_raise_no_false_alarm():
    assert f"{0.575:.2f}" == "0.57"  # neither half up nor half to even: 23 of 40 printed by Python
    assert 23 in possible_counts(parse("0.57", "mean"), 40)
    assert 23 not in possible_counts(parse("0.57", "mean"), 40, Rounding.HALF_UP)


def test_trailing_zeros_are_data():
    assert list(possible_counts(parse("0.9", "mean"), 50)) == [43, 44, 45, 46, 47]
    assert list(possible_counts(parse("0.90", "mean"), 50)) == [45]
    assert list(possible_counts(parse("91%", "mean"), 50)) == []
    assert list(possible_counts(parse("100%", "mean"), 50)) == [50]
    assert list(possible_counts(parse("100%", "mean"), 50, Rounding.TRUNCATED)) == [50]


def test_92_percent_of_50_is_46_and_of_250_is_229_to_231():
    assert list(possible_counts(MEAN, 50)) == [46]
    assert list(possible_counts(MEAN, 250)) == [229, 230, 231]


def test_five_fold_vectors_give_92_percent_with_the_figures_of_their_spread():
    vectors, complete = find_vectors(FIVE, MEAN)
    assert complete
    rows = [
        (v.correct, *(round(x, 4) for x in (v.probability, v.population_sd, v.sample_sd,
                                            v.standard_error, v.t(0.5), v.t(0.5, corrected=True),
                                            v.p(0.75), v.p(0.75, corrected=True))))
        for v in vectors
    ]  # fmt: skip
    assert rows == [
        ((10, 9, 9, 9, 9), 0.2171, 0.04, 0.0447, 0.02, 21.0, 14.0, 0.0011, 0.0048),
        ((10, 10, 9, 9, 8), 0.5862, 0.0748, 0.0837, 0.0374, 11.225, 7.4833, 0.0105, 0.0388),
        ((10, 10, 10, 8, 8), 0.0879, 0.098, 0.1095, 0.049, 8.5732, 5.7155, 0.0256, 0.0817),
        ((10, 10, 10, 9, 7), 0.1042, 0.1166, 0.1304, 0.0583, 7.2029, 4.802, 0.0434, 0.1239),
        ((10, 10, 10, 10, 6), 0.0046, 0.16, 0.1789, 0.08, 5.25, 3.5, 0.1008, 0.2295),
    ]


def test_chances_of_all_vectors_with_one_total_add_up_to_one():
    for sizes in (FIVE, fold_sizes(11, 3)):
        for total in (5, 9):
            chances = [v.probability for v in all_vectors(sizes[:3]) if v.total == total]
            assert sum(chances) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("sizes", [(3, 3, 3), (4, 4, 3), (3, 2)])
def test_expected_sd_is_the_mean_over_all_ways_the_errors_can_fall(sizes):
    n = sum(sizes)
    for total in range(n + 1):
        vectors = [v for v in all_vectors(sizes) if v.total == total]
        mean_variance = sum(v.probability * v.sample_sd**2 for v in vectors)
        assert expected_sd(total / n, sizes) ** 2 == pytest.approx(mean_variance, abs=1e-12)


def test_sd_of_2_percent_over_five_folds_of_ten_cannot_be():
    assert not over_folds(FIVE, MEAN, SD).possible
    assert over_folds(FIVE, MEAN, parse("4%", "sd")).possible
    assert over_folds(FIVE, MEAN, parse("4.5%", "sd")).possible
    assert over_folds(FIVE, MEAN, parse("4.2%", "sd")).possible is False


def test_as_a_standard_error_2_percent_fixes_the_folds():
    reading = standard_error(FIVE, MEAN, SD)
    assert [v.correct for v in reading.examples] == [(10, 9, 9, 9, 9)]
    assert Spread.STANDARD_ERROR in spreads_matched(reading.examples[0], MEAN, SD)
    assert Spread.SAMPLE not in spreads_matched(reading.examples[0], MEAN, SD)


def test_as_sd_of_repeat_means_2_percent_comes_from_45_45_46_47_47():
    reading = repeat_means(50, None, MEAN, SD)
    assert reading.possible
    assert sorted(reading.examples[0].correct) == [45, 45, 46, 47, 47]
    assert reading.examples[0].sample_sd == pytest.approx(0.02, abs=1e-12)
    assert {v.total for v in reading.examples} == {229, 230, 231}  # not 232, 92.8 % cut off
    assert set(reading.roundings) == set(Rounding)


def test_as_noise_of_slices_2_percent_needs_18_a_patient():
    reading = finer_units(FIVE, MEAN, SD)
    figures = reading.figures
    assert figures["units_per_fold"] == pytest.approx(184)
    assert figures["units"] == pytest.approx(920)
    assert figures["units_per_case"] == pytest.approx(18.4)
    assert reading.possible
    assert figures["fewest_units_per_case"] == 2  # 19 19 18 18 18 of 20


def test_counting_agrees_with_listing():
    for folds, size, mean in [(5, 10, "92%"), (4, 3, "0.5"), (6, 4, "71%"), (3, 9, "30%")]:
        text = parse(mean, "mean")
        counted = spectrum(folds, size, text)
        vectors, complete = find_vectors((size,) * folds, text, limit=10_000)
        assert complete
        tally = defaultdict(int)
        for v in vectors:
            tally[v.total, v.sum_of_squares * size**2] += 1
        assert counted.vectors == tally
        for sd in ("0.1", "0.2", "12%", "4%"):
            spread = parse(sd, "sd")
            listed = find_vectors((size,) * folds, text, spread, limit=10_000)[0]
            assert counted.matching(text, spread) == len(listed)


def test_five_times_five_folds_are_counted_and_2_percent_still_cannot_be():
    counted = spectrum(25, 10, MEAN)
    vectors, complete = find_vectors(fold_sizes(50, 5) * 5, MEAN, limit=10_000)
    assert complete
    assert counted.total() == len(vectors) == 1946
    assert counted.matching(MEAN, SD) == 0
    assert counted.spreads(Spread.POPULATION)[0] > 0.025


def test_10000_cases_are_decided_and_undecidable_ones_refused():
    big = fold_sizes(10_000, 10)
    assert over_folds(big, MEAN, SD).possible
    assert not over_folds(big, MEAN, parse("45%", "sd")).possible
    vector = over_folds(big, parse("92.00%", "m"), parse("2.000%", "s")).examples[0]
    assert spreads_matched(vector, parse("92.00%", "m"), parse("2.000%", "s"))
    assert over_folds(fold_sizes(100_003, 10), MEAN, SD).possible
    with pytest.raises(TooManyError, match="give"):
        list(group_totals(tuple(range(90, 110)), MEAN))


def test_sums_of_odd_parity_are_told_apart_from_even_ones():
    # Ten folds of 1000, exactly 9200 right: the squared deviations add up to an even number.
    sizes, mean = fold_sizes(10_000, 10), parse("92.0000%", "mean")
    assert over_folds(sizes, mean, parse("0.4000%", "sd")).possible  # 160 / 10 is 16
    assert not over_folds(sizes, mean, parse("0.40125%", "sd")).possible  # 161 / 10, 144.9 / 9


def test_means_of_unequal_folds_may_be_over_cases_or_over_folds():
    sizes = fold_sizes(7, 2)  # 4 and 3
    assert fold_counts(sizes, parse("0.571", "mean")) == [4]  # 4 of 7
    assert fold_counts(sizes, parse("0.583", "mean")) == [4]  # (2/4 + 2/3) / 2
    assert fold_counts(sizes, parse("0.572", "mean")) == []


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [("92%", "23/25", "1/100"), ("92.0 %", "23/25", "1/1000"), (".92", "23/25", "1/100"),
     ("0.920", "23/25", "1/1000"), ("92％", "23/25", "1/100"), ("0%", "0", "1/100"),
     ("1.00", "1", "1/100"), ("92,0%", "23/25", "1/1000"), ("0,920", "23/25", "1/1000"),
     (",92", "23/25", "1/100"), ("1,000", "1", "1/1000"), ("９２％", "23/25", "1/100"),
     ("９２，０％", "23/25", "1/1000"), ("０．９２", "23/25", "1/100"),
     ("９２　％", "23/25", "1/100"), ("92\u00a0%", "23/25", "1/100"),
     ("92,0\u202f%", "23/25", "1/1000"), ("92\u2009%", "23/25", "1/100")],
)  # fmt: skip
def test_numbers_are_read_with_their_digits(text, value, unit):
    reported = parse(text, "mean")
    assert (reported.value, reported.unit) == (Fraction(value), Fraction(unit))


@pytest.mark.parametrize(
    ("text", "why"),
    [("101%", "above 100"), ("150 %", "above 100"), ("92", "with its sign: 92%"),
     ("1", "no digit after the point"), ("0,9,2", "not a proportion"), ("", "not a proportion"),
     ("nan", "not a proportion"), ("-2%", "not a proportion"), ("9e-1", "not a proportion"),
     ("%", "not a proportion"), ("0.1234567890123", "at most 12"), ("9²%", "not a proportion"),
     ("1,234.5%", "not a proportion"), ("92% ± 2%", "as sd"), ("±2%", "as sd")],
)  # fmt: skip
def test_nonsense_is_refused_with_its_name_and_value(text, why):
    with pytest.raises(InputError, match=why) as error:
        parse(text, "sensitivity")
    assert "sensitivity" in str(error.value)
    assert text in str(error.value)


@pytest.mark.parametrize("text", ["±2%", "± 2%", "+-2%", "+/-2%", "±２％", "＋－２％", "2%"])
def test_a_spread_is_read_with_its_sign(text):
    assert parse(text, "sd", spread=True).value == Fraction(1, 50)


def test_a_comma_in_a_count_is_asked_about_not_guessed():
    for text in ("1,000", "50,0", "１，０００"):
        with pytest.raises(InputError, match="thousands or decimals") as error:
            parse_count(text, "n")
        assert text in str(error.value)
    assert parse_count("５０", "n") == 50
    assert parse_counts("25，25", "classes") == (25, 25)


def test_impossible_folds_are_refused():
    with pytest.raises(InputError, match="at least two"):
        fold_sizes(50, 1)
    with pytest.raises(InputError, match="only 3 cases"):
        fold_sizes(3, 5)
    with pytest.raises(TooManyError, match="401 folds"):
        list(matching_vectors((2,) * 401, MEAN))
    with pytest.raises(InputError, match="limit is 0"):
        find_vectors(FIVE, MEAN, limit=0)


def test_repeats_keep_the_share_of_cases_in_the_test_fold():
    vector = FoldVector((9, 8, 9, 8), (10,) * 4)
    sd = vector.sample_sd
    twice = vector.t(0.5, corrected=True, repeats=2)  # 2 x 2 folds: J = 4, n_test / n_train = 1
    assert twice == pytest.approx(0.35 / (sd * (1 / 4 + 1) ** 0.5), abs=1e-12)
    once = vector.t(0.5, corrected=True)
    assert once == pytest.approx(0.35 / (sd * (1 / 4 + 1 / 3) ** 0.5), abs=1e-12)


def test_equal_folds_have_no_t():
    vector = FoldVector((9, 9, 9), (10, 10, 10))
    assert vector.t(0.5) is None
    assert vector.p(0.5, corrected=True) is None


def test_every_result_of_equal_folds_is_listed_once_with_its_mean_and_sample_sd():
    wanted = {(float(v.mean), round(v.sample_sd, 12)) for v in all_vectors((4,) * 3)}
    found = every_result(3, 4)
    assert len(found) == len(wanted)
    assert {(mean, round(sd, 12)) for mean, sd in found} == wanted


@pytest.mark.parametrize("few", [(1, 10), (5, 0), (30, 30)])
def test_results_of_no_folds_or_too_many_are_refused(few):
    with pytest.raises(InputError, match="two or more folds"):
        every_result(*few)
