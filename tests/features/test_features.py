"""Hand-made features against IBSI's digital phantom, brute force and what must not change them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medlib import features
from medlib.errors import InputError
from medlib.features import discretise, extract, glcm, glrlm, glszm
from medlib.features.checks import checked_masks
from medlib.features.intensity import intensity
from medlib.features.matrices import cooccurrences, directions, runs, zones

# The digital phantom of the IBSI reference manual (chapter 5): slices x rows x columns, 0 outside
# the region of interest.
PHANTOM = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ]
)
# Reference values of the manual's tables "dig. phantom", three significant digits, in the order
# 2D averaged, 2D slice-merged, 3D averaged, 3D merged; None where not looked up.
GLCM = {
    "joint_maximum": (None, None, None, 0.509),
    "joint_average": (None, None, None, 2.15),
    "joint_variance": (None, None, None, 3.13),
    "joint_entropy": (None, 2.24, 2.40, 2.57),
    "difference_average": (1.42, 1.40, 1.43, 1.38),
    "difference_variance": (2.90, 3.06, 3.06, 3.21),
    "difference_entropy": (1.40, 1.49, 1.56, 1.64),
    "sum_average": (4.28, 4.29, 4.29, 4.30),
    "sum_variance": (5.47, 5.66, 7.07, 7.41),
    "sum_entropy": (1.60, 1.79, 1.92, 2.11),
    "angular_second_moment": (0.368, 0.352, 0.303, 0.291),
    "contrast": (5.28, 5.19, 5.32, 5.12),
    "dissimilarity": (1.42, 1.40, 1.43, 1.38),
    "inverse_difference": (0.678, 0.683, 0.677, 0.688),
    "normalised_inverse_difference": (0.851, 0.854, 0.851, 0.856),
    "inverse_difference_moment": (0.619, 0.625, 0.618, 0.631),
    "normalised_inverse_difference_moment": (0.899, 0.901, 0.898, 0.902),
    "inverse_variance": (0.0567, 0.0553, 0.0604, 0.0574),
    "correlation": (-0.0121, 0.0173, 0.157, 0.183),
    "autocorrelation": (5.09, 5.14, 5.06, 5.19),
    "cluster_tendency": (5.47, 5.66, 7.07, 7.41),
    "cluster_shade": (7.00, 6.98, 16.6, 17.4),
    "cluster_prominence": (79.1, 80.4, 145, 147),
    "information_correlation_1": (-0.155, -0.0341, -0.157, -0.0288),
    "information_correlation_2": (0.487, 0.263, 0.520, 0.269),
}
GLRLM = {
    "short_runs_emphasis": (0.641, 0.661, 0.705, 0.729),
    "long_runs_emphasis": (3.78, 3.51, 3.06, 2.76),
    "low_grey_level_run_emphasis": (0.604, 0.609, 0.603, 0.607),
    "high_grey_level_run_emphasis": (9.82, 9.74, 9.70, 9.64),
    "short_run_low_grey_level_emphasis": (0.294, 0.311, 0.352, 0.372),
    "short_run_high_grey_level_emphasis": (8.57, 8.67, 8.54, 8.67),
    "long_run_low_grey_level_emphasis": (3.14, 2.92, 2.39, 2.16),
    "long_run_high_grey_level_emphasis": (17.4, 16.1, 17.6, 15.6),
    "grey_level_non_uniformity": (None, None, None, 281),
    "normalised_grey_level_non_uniformity": (None, None, None, 0.430),
    "run_length_non_uniformity": (None, None, None, 328),
    "normalised_run_length_non_uniformity": (None, None, None, 0.501),
    "run_percentage": (None, None, None, 0.680),
    "grey_level_variance": (None, None, None, 3.48),
    "run_length_variance": (None, None, None, 0.598),
    "run_entropy": (None, None, None, 2.62),
}
GLSZM_3D = {
    "small_zone_emphasis": 0.255,
    "large_zone_emphasis": 550,
    "low_grey_level_zone_emphasis": 0.253,
    "high_grey_level_zone_emphasis": 15.6,
    "small_zone_low_grey_level_emphasis": 0.0256,
    "small_zone_high_grey_level_emphasis": 2.76,
    "large_zone_low_grey_level_emphasis": 503,
    "large_zone_high_grey_level_emphasis": 1490,
    "grey_level_non_uniformity": 1.40,
    "normalised_grey_level_non_uniformity": 0.280,
    "zone_size_non_uniformity": 1.00,
    "normalised_zone_size_non_uniformity": 0.200,
    "zone_percentage": 0.0676,
    "grey_level_variance": 2.64,
    "zone_size_variance": 331,
    "zone_size_entropy": 2.32,
}
INTENSITY = {
    "mean": 2.15,
    "variance": 3.05,
    "skewness": 1.08,
    "kurtosis": -0.355,
    "median": 1,
    "minimum": 1,
    "10th_percentile": 1,
    "90th_percentile": 4,
    "maximum": 6,
    "interquartile_range": 3,
    "range": 5,
    "mean_absolute_deviation": 1.55,
    "robust_mean_absolute_deviation": 1.11,
    "median_absolute_deviation": 1.15,
    "energy": 567,
    "root_mean_square": 2.77,
    "discretised_entropy": 1.27,
    "discretised_uniformity": 0.512,
}
AGGREGATIONS = ("2D averaged", "2D slice-merged", "3D averaged", "3D merged")


def phantom(aggregation):
    """The phantom as four slices, or as one volume."""
    return PHANTOM if aggregation.startswith("2D") else PHANTOM[None]


def three_digits(value):
    return float(f"{value:.3g}")


@pytest.mark.parametrize("which", range(4), ids=AGGREGATIONS)
@pytest.mark.parametrize(("family", "reference"), [("glcm", GLCM), ("glrlm", GLRLM)])
def test_textures_of_ibsis_phantom_to_all_published_digits(family, reference, which):
    merged = "merged" in AGGREGATIONS[which]
    grey = phantom(AGGREGATIONS[which])
    compute = {
        "glcm": lambda: glcm(grey, 6, merged=merged),
        "glrlm": lambda: glrlm(grey, merged=merged),
    }
    found = compute[family]()
    assert set(found) == set(reference)  # no feature without a reference, nor the other way round
    values = {name: three_digits(found[name].mean()) for name in reference}
    wanted = {name: row[which] for name, row in reference.items() if row[which] is not None}
    assert {name: values[name] for name in wanted} == wanted


def test_zones_of_ibsis_phantom_to_all_published_digits():
    found = {name: three_digits(value[0]) for name, value in glszm(PHANTOM[None]).items()}
    found["large_zone_high_grey_level_emphasis"] = round(
        found["large_zone_high_grey_level_emphasis"], -1
    )
    assert found == GLSZM_3D


def test_intensities_of_ibsis_phantom_to_all_published_digits():
    volume = PHANTOM[None]
    found = intensity(volume.astype(float), volume > 0, volume, 6)
    assert {name: three_digits(value[0]) for name, value in found.items()} == INTENSITY


def test_merged_counts_of_the_first_slice_are_those_that_ibsi_prints():
    counts = cooccurrences(PHANTOM[:1], 6)[0]
    printed = {(1, 1): 22, (1, 4): 17, (1, 6): 6, (4, 4): 16, (4, 6): 11, (6, 6): 4}
    expected = np.zeros((6, 6))
    for (i, j), number in printed.items():
        expected[i - 1, j - 1] = expected[j - 1, i - 1] = number
    np.testing.assert_array_equal(counts, expected)


def test_there_is_one_direction_for_each_pair_of_opposite_neighbours():
    for dimensions, count in ((2, 4), (3, 13)):
        found = directions(dimensions)
        assert len(found) == len(set(found)) == count
        assert not set(found) & {tuple(-d for d in offset) for offset in found}


small = arrays(
    np.int64,
    st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
    elements=st.integers(0, 4),
)


def line(image, start, offset):
    """Levels met from a pixel onwards in one direction, up to the edge."""
    place, met = np.array(start), []
    while (place >= 0).all() and (place < image.shape).all():
        met.append(int(image[tuple(place)]))
        place = place + offset
    return met


@settings(deadline=None, max_examples=60)
@given(small)
def test_pairs_are_those_found_by_looking_at_each_pixel(grey):
    expected = np.zeros((len(grey), 4, 4))
    for k, image in enumerate(grey):
        for start in np.ndindex(image.shape):
            for offset in directions(2):
                for step in (np.array(offset), -np.array(offset)):
                    a, b = [*line(image, start, step), 0][:2]
                    expected[k, a - 1, b - 1] += bool(a and b)
    np.testing.assert_array_equal(cooccurrences(grey, 4), expected)
    apart = cooccurrences(grey, 4, merged=False)
    np.testing.assert_array_equal(apart.sum(axis=1), expected)


@settings(deadline=None, max_examples=60)
@given(small)
def test_runs_are_those_found_by_walking_along_each_line(grey):
    expected = {}
    for k, image in enumerate(grey):
        for start in np.ndindex(image.shape):
            for offset in directions(2):
                before, level = line(image, start, -np.array(offset)), int(image[start])
                if level and before[1:2] != [level]:
                    onward = line(image, start, np.array(offset))
                    length = next((i for i, v in enumerate(onward) if v != level), len(onward))
                    expected[k, level, length] = expected.get((k, level, length), 0) + 1
    found = runs(grey)
    keys = zip(found.matrix.tolist(), found.level.tolist(), found.size.tolist(), strict=True)
    assert dict(zip(keys, found.times.tolist(), strict=True)) == expected


@settings(deadline=None, max_examples=60)
@given(small)
def test_zones_hold_every_pixel_of_the_region_once_and_do_not_cross_images(grey):
    found = zones(grey)
    pixels = np.bincount(found.matrix, found.size * found.times, len(grey))
    np.testing.assert_array_equal(pixels, (grey > 0).sum(axis=(1, 2)))
    alone = [zones(image[None]) for image in grey]
    assert sum(len(one.times) for one in alone) == len(found.times)
    for k, one in enumerate(alone):
        mine = found.matrix == k
        for name in ("level", "size", "times"):
            np.testing.assert_array_equal(getattr(found, name)[mine], getattr(one, name))


def images(count=6, size=32, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, size, size)).cumsum(axis=1).cumsum(axis=2)


def discs(count=6, size=32):
    r, c = np.indices((size, size)) - size // 2
    return np.array([r**2 + c**2 <= (6 + k) ** 2 for k in range(count)])


def test_a_cohort_gives_what_each_image_gives_alone():
    cohort, masks = images(), discs()
    together = extract(cohort, masks)
    alone = [extract(cohort[k : k + 1], masks[k : k + 1]) for k in range(len(cohort))]
    for k, one in enumerate(alone):
        np.testing.assert_allclose(together.iloc[[k]], one, rtol=1e-9, atol=1e-12)


def test_textures_do_not_see_quarter_turns_mirrors_and_what_lies_outside_the_mask():
    cohort, masks = images(), discs()
    families = ["intensity", "glcm", "glrlm", "glszm", "shape"]
    before = extract(cohort, masks, families=families)
    for change in (lambda x: np.rot90(x, axes=(1, 2)), lambda x: x[:, :, ::-1]):
        after = extract(change(cohort), change(masks), families=families)
        np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9)
    outside = np.where(masks, cohort, 1e6)
    np.testing.assert_allclose(extract(outside, masks, families=families), before)


def test_with_bins_of_its_own_range_texture_does_not_see_brightness_and_contrast():
    families = ["glcm", "glrlm", "glszm", "lbp", "hog"]
    before = extract(images(), families=families)
    np.testing.assert_allclose(extract(4 * images() - 32, families=families), before, atol=1e-9)


def test_bins_are_of_equal_width_and_their_ends_as_ibsi_has_them():
    ramp = np.arange(9.0).reshape(1, 3, 3)
    assert discretise(ramp, levels=4).ravel().tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 4]
    fixed = discretise([[[-2000.0, -1000, -999], [0, 399, 5000]]], levels=14, span=(-1000, 400))
    assert fixed.ravel().tolist() == [1, 1, 1, 11, 14, 14]


def test_an_even_image_has_documented_values_and_no_nan():
    even = np.full((2, 24, 24), -7.0)
    found = extract(even, np.ones(even.shape))
    assert np.isfinite(found.to_numpy()).all()
    row = found.iloc[0]
    assert (row.intensity_variance, row.intensity_skewness, row.intensity_kurtosis) == (0, 0, 0)
    assert (row.glcm_correlation, row.glcm_joint_entropy, row.glcm_joint_maximum) == (1, 0, 1)
    assert row.glcm_information_correlation_1 == row.glcm_information_correlation_2 == 0
    assert row.glszm_zone_percentage == pytest.approx(1 / 24**2)
    assert row.filter(like="hog").abs().max() == 0


@settings(deadline=None, max_examples=40)
@given(
    arrays(np.float32, (2, 20, 20), elements=st.sampled_from([-1024.0, 0.0, 0.1, 3.0, 3071.0])),
    st.integers(2, 64),
)
def test_fewer_grey_levels_than_bins_give_finite_values(grey, levels):
    for span in (None, (-1000, 400)):
        assert np.isfinite(extract(grey, levels=levels, span=span).to_numpy()).all()


def test_a_region_of_two_pixels_has_finite_values():
    masks = np.zeros((1, 24, 24), bool)
    masks[0, 5, 5:7] = True
    assert np.isfinite(extract(images(1, 24), masks).to_numpy()).all()


BAD = {
    "an image of NaN": (lambda: extract(np.full((2, 24, 24), np.nan)), "Image 0 holds NaN"),
    "one image, not a stack": (lambda: extract(np.zeros((24, 24))), "n x height x width"),
    "no image": (lambda: extract(np.zeros((0, 24, 24))), "n x height x width"),
    "a mask of another size": (lambda: extract(images(2), discs(2, 24)), "do not match"),
    "one mask too few": (lambda: extract(images(3), discs(2)), "do not match"),
    "an empty mask": (lambda: extract(images(2), np.zeros((2, 32, 32))), "image 0 is empty"),
    "a mask of labels": (lambda: extract(images(2), 2 * discs(2)), "other than 0 and 1"),
    "a lonely pixel": (
        lambda: extract(images(1), np.eye(1, 1024).reshape(1, 32, 32)),
        "no texture",
    ),
    "one level": (lambda: extract(images(1), levels=1), "levels is 1"),
    "half a level": (lambda: extract(images(1), levels=7.5), "levels is 7.5"),
    "a span upside down": (lambda: extract(images(1), span=(400, -1000)), "lower end first"),
    "an unknown family": (lambda: extract(images(1), families=["glcmm"]), "'glcmm'; choose"),
    "shape without masks": (lambda: extract(images(1), families=["shape"]), "give masks"),
    "tiny images": (lambda: extract(images(1, 10), families=["wavelet"]), "too small"),
    "tinier images": (lambda: extract(images(1, 5), families=["hog"]), "too small"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_sentence(case):
    work, words = BAD[case]
    with pytest.raises(InputError, match=words) as caught:
        work()
    assert "\n" not in str(caught.value)


def test_a_lonely_pixel_is_named_by_its_place_in_the_cohort():
    masks = np.ones((90, 64, 64), bool)  # more than are computed at once
    masks[80] = False
    masks[80, ::2, 1::2] = True  # each pixel has neighbours two away only
    with pytest.raises(InputError, match="image 80 has no two neighbouring"):
        extract(np.zeros(masks.shape), masks, families=["glcm"])


def test_images_do_not_know_in_which_block_they_are_computed():
    cohort = images(70, 64)
    whole = extract(cohort, families=["intensity", "glcm", "glszm"])
    last = extract(cohort[-1:], families=["intensity", "glcm", "glszm"])
    np.testing.assert_allclose(whole.iloc[[-1]], last, rtol=1e-9, atol=1e-12)


def test_no_mask_means_the_whole_image():
    cohort = images(2)
    every = checked_masks(None, cohort.shape)
    a, b = extract(cohort), extract(cohort, every)
    np.testing.assert_array_equal(a, b[a.columns])
    assert set(b.columns) - set(a.columns) == {c for c in b.columns if c.startswith("shape")}


def test_shape_of_a_disc_a_ring_and_a_bar():
    r, c = np.indices((61, 61)) - 30
    disc = r**2 + c**2 <= 20**2
    ring = disc & (r**2 + c**2 > 10**2)
    bar = (abs(r) <= 2) & (abs(c) <= 20)
    found = extract(
        np.zeros((3, 61, 61)), [disc, ring, bar], families=["shape"], spacing=(0.5, 0.5)
    )
    area, circularity, elongation = (
        found[f"shape_{name}"] for name in ("area", "circularity", "elongation")
    )
    np.testing.assert_allclose(area[:2], np.pi * np.array([10**2, 10**2 - 5**2]), rtol=0.01)
    assert found.shape_maximum_diameter[0] == pytest.approx(20, abs=0.6)
    assert circularity[0] > 0.9 > 0.6 > circularity[1]
    assert elongation[0] == pytest.approx(1)
    assert elongation[2] < 0.2
    # the second moment of n pixels in a row is (n^2 - 1) / 12 pixels
    assert found.shape_major_axis_length[2] == pytest.approx(4 * 0.5 * np.sqrt((41**2 - 1) / 12))


def test_local_patterns_of_an_edge_are_edges_and_of_a_dot_is_a_dot():
    edge = np.zeros((1, 24, 24))
    edge[:, :, 12:] = 1
    dot = np.zeros((1, 24, 24))
    dot[:, 10, 10] = 1
    of_edge, of_dot = (extract(x, families=["lbp"]).iloc[0] for x in (edge, dot))
    assert of_edge.lbp_pattern_5 > 0  # bright side: five of eight neighbours as bright
    assert of_dot.lbp_pattern_0 == pytest.approx(1 / 24**2)  # the dot: none as bright
    assert of_edge.sum() == pytest.approx(1)


def test_gradients_point_where_the_image_does():
    stripes = np.tile(np.sin(np.arange(32.0) / 2), (1, 32, 1))
    strength = extract(stripes, families=["hog"]).iloc[0].groupby(lambda n: n[-1]).sum()
    turned = (
        extract(stripes.swapaxes(1, 2), families=["hog"]).iloc[0].groupby(lambda n: n[-1]).sum()
    )
    assert strength.idxmax() != turned.idxmax()
    assert strength.max() > 0.9 * strength.sum()


def test_wavelets_tell_fine_from_coarse_and_keep_the_scale():
    rng = np.random.default_rng(1)
    fine = rng.normal(size=(1, 64, 64))
    coarse = np.kron(fine[:, ::8, ::8], np.ones((8, 8)))
    a, b = (extract(x, families=["wavelet"]).iloc[0] for x in (fine, coarse))
    assert a.wavelet_HH_1_mean_magnitude > 3 * b.wavelet_HH_1_mean_magnitude
    twice = extract(2 * fine, families=["wavelet"]).iloc[0]
    np.testing.assert_allclose(twice, 2 * a)


def test_names_say_family_and_feature_and_do_not_repeat():
    found = extract(images(1), discs(1)).columns
    assert len(set(found)) == len(found)
    assert {name.split("_")[0] for name in found} == set(features.FAMILIES)


def test_patterns_of_a_region_are_those_of_the_whole_image_with_nothing_outside():
    images = np.random.default_rng(0).integers(1, 255, (4, 32, 32)).astype(np.float32)
    wide = np.zeros((4, 48, 48), np.float32)
    wide[:, :32, :32] = images
    for rows, columns in ((slice(0, 4), slice(0, 32)), (slice(5, 12), slice(9, 32))):
        inside = np.zeros(images.shape, bool)
        inside[:, rows, columns] = True
        around = np.zeros(wide.shape, bool)
        around[:, rows, columns] = True
        own, same = (
            extract(x, m, families=["lbp"], span=(0, 255))
            for x, m in ((images, inside), (wide, around))
        )
        assert own.equals(same)
