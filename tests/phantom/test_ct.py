"""The simulated scanner: tissue keeps its value, noise and sharpness follow the protocol."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from medlib.errors import InputError
from medlib.phantom.scanner.ct import (
    KERNELS,
    MODELS,
    PADDING_HU,
    Scanner,
    acquire,
    draw_scanner,
    measure,
    photons_counted,
    tube_current,
)
from medlib.phantom.scanner.projector import kept_frequencies
from medlib.phantom.scanner.quality import frequency_at, modulation_transfer, noise_power_spectrum

PIXEL = 1.6
SIZE = 256
FIELD = SIZE * PIXEL
TOLERANCE_HU = {-1000.0: 5, -850.0: 5, -100.0: 5, 40.0: 5, 55.0: 5, 350.0: 15}
QUIET = {"mas": 1e9, "electronic_noise": 0.0}


def grid(n=SIZE, pixel=PIXEL):
    step = (np.arange(n, dtype=np.float32) - (n - 1) / 2) * np.float32(pixel)
    return step[:, None], step[None, :]


def torso(n=SIZE, pixel=PIXEL):
    """Air, lung, fat, muscle, blood and bone in ellipses, in HU."""
    y, x = grid(n, pixel)
    hu = np.full((n, n), -1000, np.float32)
    hu[(y / 125) ** 2 + (x / 180) ** 2 < 1] = -100
    hu[(y / 105) ** 2 + (x / 160) ** 2 < 1] = 55
    for side in (-1, 1):
        hu[(y / 80) ** 2 + ((x - side * 80) / 52) ** 2 < 1] = -850
    hu[(y + 15) ** 2 + (x - 3) ** 2 < 20**2] = 40
    hu[(y - 70) ** 2 + x**2 < 21**2] = 350
    return hu


def water(radius=100.0, n=128, pixel=3.0, repeats=1):
    y, x = grid(n, pixel)
    one = np.where(y**2 + x**2 < radius**2, 0, -1000).astype(np.float32)
    return np.repeat(one[None], repeats, axis=0)


def scan(hu, pixel=PIXEL, seed=1, **protocol):
    field = {"field_of_view_mm": hu.shape[-1] * pixel, "matrix": hu.shape[-1]}
    scanner = Scanner(**{**field, **protocol})
    return acquire(hu, pixel_mm=pixel, scanner=scanner, rng=np.random.default_rng(seed))


def noise_sd(images, radius_pixels=20):
    """SD in the middle, from the difference of two scans of the same object."""
    y, x = grid(images.shape[-1], 1.0)
    middle = y**2 + x**2 < radius_pixels**2
    return float((images[0] - images[1])[middle].std() / np.sqrt(2))


@pytest.mark.parametrize("kvp", [100, 140])
@pytest.mark.parametrize("kernel", KERNELS)
def test_tissues_keep_their_values(kernel, kvp):
    hu = torso()
    y, x = grid()
    seen = y**2 + x**2 < (FIELD / 2 - 5) ** 2
    images = scan(np.repeat(hu[None], 2, axis=0), kernel=kernel, kvp=kvp)
    for nominal, tolerance in TOLERANCE_HU.items():
        inside = binary_erosion(hu == nominal, iterations=3) & seen
        assert inside.sum() > 100
        assert abs(images[:, inside].mean() - nominal) < tolerance, nominal


@pytest.mark.parametrize("kernel", KERNELS)
def test_water_is_flat_from_middle_to_edge(kernel):
    image = scan(water(), 3.0, kernel=kernel, **QUIET)[0]
    y, x = grid(128, 3.0)
    distance = np.hypot(y, x)
    rings = [image[(distance >= r) & (distance < r + 20)].mean() for r in (0, 20, 40, 60)]
    assert np.abs(rings).max() < 1.0


def test_noise_falls_with_the_square_root_of_mas():
    mas = np.array([12.5, 25, 50, 100, 200, 400])
    hu = water(repeats=2)
    for kernel in KERNELS:
        sd = [noise_sd(scan(hu, 3.0, mas=m, kernel=kernel)) for m in mas]
        slope = np.polyfit(np.log(mas), np.log(sd), 1)[0]
        assert -0.55 < slope < -0.45, kernel


def test_noise_follows_thickness_and_not_the_number_of_views():
    hu = water(repeats=2)
    base = noise_sd(scan(hu, 3.0))
    assert noise_sd(scan(hu, 3.0, slice_thickness_mm=1.25)) == pytest.approx(2 * base, rel=0.12)
    assert noise_sd(scan(hu, 3.0, views=720)) == pytest.approx(base, rel=0.12)


@pytest.mark.parametrize("mean", [3, 5, 10, 30, 300, 30_000])
def test_counts_made_from_normal_numbers_have_the_moments_of_poisson_numbers(mean):
    normal = np.random.default_rng(0).standard_normal(1_000_000)
    counts = photons_counted(np.full(normal.shape, float(mean)), normal)
    spread = counts - counts.mean()
    skewness = (spread**3).mean() / counts.var() ** 1.5
    # one million draws leave a standard error of 0.1 % on variance and .0025 on skewness
    assert counts.mean() == pytest.approx(mean, rel=0.005)
    assert counts.var() == pytest.approx(mean, rel=0.02)
    assert skewness == pytest.approx(mean**-0.5, abs=0.02)
    assert counts.min() >= 0


def test_a_last_digit_of_the_mean_does_not_change_the_stream_of_photons():
    normal = np.random.default_rng(1).standard_normal((64, 64))
    mean = np.exp(np.linspace(0, 12, 64 * 64)).reshape(64, 64)
    moved = photons_counted(np.nextafter(mean, np.inf), normal) - photons_counted(mean, normal)
    assert np.abs(moved / mean).max() < 1e-14


def test_electronic_noise_matters_where_photons_are_few():
    def ratio(mas):
        quiet, loud = (noise_sd(scan(hu, 3.0, mas=mas, electronic_noise=e)) for e in (0, 60))
        return loud / quiet

    hu = water(radius=150, repeats=2)
    assert ratio(10) > 1.5
    assert ratio(10_000) < 1.1


def test_more_photons_pass_a_thin_patient():
    thin, thick = (noise_sd(scan(water(r, repeats=2), 3.0)) for r in (70, 150))
    assert thick > 2 * thin


def test_noise_power_spectra_are_the_ramp_times_the_kernel_squared():
    hu = water(repeats=24)
    middle = slice(32, 96)
    for kernel in KERNELS:
        images = scan(hu, 3.0, kernel=kernel)[:, middle, middle]
        frequency, power = noise_power_spectrum(images, 3.0)
        m = (frequency * 2 * 3.0).astype(np.float32)
        model = m * KERNELS[kernel](m) ** 2
        np.testing.assert_allclose(power / power.sum(), model / model.sum(), atol=0.008)


def test_sharper_kernels_have_finer_and_stronger_noise():
    hu = water(repeats=8)
    mean_frequency, sd = [], []
    for kernel in ("soft", "standard", "sharp"):
        images = scan(hu, 3.0, kernel=kernel)[:, 32:96, 32:96]
        frequency, power = noise_power_spectrum(images, 3.0)
        mean_frequency.append((frequency * power).sum() / power.sum())
        sd.append(noise_sd(images))
    assert mean_frequency[0] * 1.1 < mean_frequency[1] < mean_frequency[2] / 1.1
    assert sd[0] * 1.2 < sd[1] < sd[2] / 1.2


def test_power_integrates_to_the_variance():
    rng = np.random.default_rng(4)
    images = rng.normal(0, 7, (40, 64, 64)).astype(np.float32) + np.arange(64, dtype=np.float32)
    _, power = noise_power_spectrum(images, 0.5)
    assert power.mean() == pytest.approx(49 * 0.5**2, rel=0.02)  # white: the same everywhere


def soft_disc(n, pixel, centre, radius, parts=8):
    y, x = grid(n * parts, pixel / parts)
    inside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
    share = inside.reshape(n, parts, n, parts).mean((1, 3), dtype=np.float32)
    return (share * 200 - 100).astype(np.float32)[None]


def test_edges_are_as_sharp_as_the_kernel_says():
    centre, radius = (7.3, -11.8), 60.0
    hu = soft_disc(SIZE, 1.0, centre, radius)
    half = []
    for kernel in ("soft", "standard", "sharp"):
        image = scan(hu, 1.0, kernel=kernel, **QUIET)[0]
        f, mtf = modulation_transfer(image, 1.0, centre_mm=centre, radius_mm=radius)
        expected = KERNELS[kernel](2 * f) * np.sinc(f)  # the pixels of the map are averages
        low = f < 0.4
        np.testing.assert_allclose(mtf[low], expected[low], atol=0.01)
        half.append(frequency_at(f, mtf, 0.5))
    assert half[0] * 1.2 < half[1] < half[2] / 1.1


def test_sharpness_can_be_measured_through_noise():
    centre, radius = (7.3, -11.8), 60.0
    hu = np.repeat(soft_disc(SIZE, 1.0, centre, radius), 16, axis=0)
    image = scan(hu, 1.0, kernel="standard", mas=400).mean(axis=0)
    f, mtf = modulation_transfer(image, 1.0, centre_mm=centre, radius_mm=radius)
    expected = KERNELS["standard"](2 * f) * np.sinc(f)
    np.testing.assert_allclose(mtf[f < 0.4], expected[f < 0.4], atol=0.012)


def test_a_targeted_reconstruction_is_the_same_image_with_another_frame():
    hu = torso()[None]
    whole = scan(hu, mas=100)[0]
    scanner = Scanner(mas=100, field_of_view_mm=FIELD, matrix=SIZE)
    rows, columns = slice(96, 128), slice(48, 80)
    centre = ((111.5 - 127.5) * PIXEL, (63.5 - 127.5) * PIXEL)
    part = acquire(
        hu,
        pixel_mm=PIXEL,
        scanner=scanner,
        rng=np.random.default_rng(1),
        centre_mm=centre,
        field_of_view_mm=32 * PIXEL,
        matrix=32,
    )[0]
    difference = part - whole[rows, columns]
    assert np.sqrt((difference**2).mean()) < 0.6  # HU, of noise of 10
    assert np.abs(difference).max() < 3


def test_a_crop_from_a_fine_map_resolves_more_than_a_coarse_slice():
    y, x = grid(512, 0.8)
    bars = np.where((np.floor(x / 1.6) % 2 == 0) & (np.hypot(y, x) < 15), 0, -850)
    hu = np.broadcast_to(bars, (1, 512, 512)).astype(np.float32)

    def contrast(matrix, field):
        scanner = Scanner(kernel="sharp", field_of_view_mm=field, matrix=matrix, **QUIET)
        image = acquire(hu, pixel_mm=0.8, scanner=scanner, rng=np.random.default_rng(0))[0]
        middle = matrix // 2
        reach = max(1, round(8 / scanner.pixel_mm))
        return np.ptp(image[middle, middle - reach : middle + reach])

    assert contrast(64, 50.0) > 3 * contrast(256, 512 * 0.8)


def test_outside_the_scan_field_is_padding_for_every_scanner():
    hu = np.zeros((1, SIZE, SIZE))  # water everywhere: noise of air may reach any value
    for kernel in KERNELS:
        image = scan(hu, kernel=kernel, mas=400)[0]
        corner = image[:20, :20]
        assert (corner == PADDING_HU).all()
        y, x = grid()
        assert (image[np.hypot(y, x) < FIELD / 2 - PIXEL] != PADDING_HU).all()


def test_what_is_outside_the_scan_field_is_not_seen():
    hu = torso()[None]
    y, x = grid()
    other = np.where(np.hypot(y, x) > FIELD / 2, 3000, hu).astype(np.float32)
    np.testing.assert_array_equal(scan(hu), scan(other))


def test_starved_rays_still_give_numbers():
    hu = np.where(torso() > 300, 3000, torso()).astype(np.float32)[None]
    image = scan(hu, mas=0.05, electronic_noise=20.0)
    assert np.isfinite(image).all()


def test_same_seed_same_bytes_and_another_seed_other_noise():
    hu = torso()[None]
    first, again, other = scan(hu, seed=3), scan(hu, seed=3), scan(hu, seed=4)
    assert first.tobytes() == again.tobytes()
    assert first.dtype == np.float32
    assert (first == np.rint(first)).all()
    assert np.abs(first - other).max() > 5


def test_slices_are_independent_and_the_map_is_left_alone():
    hu = np.stack([torso(), torso() * 0 - 1000])
    before = hu.copy()
    both = scan(hu, seed=5)
    np.testing.assert_array_equal(both[0], scan(hu[:1], seed=5)[0])
    np.testing.assert_array_equal(hu, before)


def test_the_detector_reports_the_line_integral():
    hu = water(100.0)[0]
    scanner = Scanner(**QUIET)
    rays = measure(hu, pixel_mm=3.0, scanner=scanner, rng=np.random.default_rng(0))
    assert rays.shape == (360, 128)
    assert rays.dtype == np.float64  # single precision would differ between processors
    np.testing.assert_allclose(rays[:, 63:65].mean(), 200 * 0.0195, rtol=0.01)
    assert np.abs(rays[:, :5]).max() < 0.02


def test_tube_current_follows_the_thickness_of_the_body():
    rays = np.array([[0.1, 4.0], [0.1, 6.0], [0.1, 8.0]], np.float32)
    share = tube_current(rays)
    assert share.mean() == pytest.approx(1, rel=1e-6)
    np.testing.assert_allclose(share[1:] / share[:-1], np.e, rtol=1e-5)
    assert tube_current(np.full((5, 4), 800, np.float32)).tolist() == [1] * 5


def test_noise_of_a_chest_is_that_of_the_clinic():
    image = scan(np.repeat(torso()[None], 2, axis=0), mas=100, kernel="standard")
    assert 5 < noise_sd(image, radius_pixels=10) < 12


def test_scanners_are_drawn_alike_whatever_is_fixed():
    free = draw_scanner(np.random.default_rng(8))
    fixed = draw_scanner(np.random.default_rng(8), kernel="sharp", matrix=64)
    assert replace(free, kernel="sharp", matrix=64) == fixed
    rng = np.random.default_rng(9)
    drawn = [draw_scanner(rng) for _ in range(300)]
    assert {s.kernel for s in drawn} == set(KERNELS)
    assert {s.model for s in drawn} == set(MODELS)
    assert all(s.manufacturer == MODELS[s.model].manufacturer for s in drawn)
    assert all(50 <= s.mas <= 250 for s in drawn)


def test_a_fixed_model_brings_its_maker_and_electronics():
    scanner = draw_scanner(np.random.default_rng(1), model="Simulated C")
    assert scanner.electronic_noise == MODELS["Simulated C"].electronic_noise
    assert scanner.manufacturer == MODELS["Simulated C"].manufacturer


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kernel": "lung"}, "soft, standard, sharp"),
        ({"kvp": 90}, "80, 100, 120, 140"),
        ({"mas": 0}, "mas is 0"),
        ({"mas": float("nan")}, "mas is nan"),
        ({"slice_thickness_mm": -1}, "slice_thickness_mm"),
        ({"electronic_noise": -1}, "electronic_noise"),
        ({"matrix": 255}, "even"),
        ({"model": "Somatom"}, "must say so"),
        ({"dose": 3}, "no dose"),
    ],
)
def test_impossible_scanners_are_refused(wrong, says):
    with pytest.raises(InputError, match=says):
        draw_scanner(np.random.default_rng(0), **wrong)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hu": np.zeros((64, 64), np.float32)}, "slices x n x n"),
        ({"hu": np.zeros((1, 63, 63), np.float32)}, "even"),
        ({"hu": np.full((1, 64, 64), np.nan, np.float32)}, "not finite"),
        ({"pixel_mm": 0.0}, "pixel_mm"),
        ({"matrix": 33}, "matrix is 33"),
        ({"field_of_view_mm": -50.0}, "field_of_view_mm"),
    ],
)
def test_maps_that_cannot_be_scanned_are_refused(change, says):
    given = {"hu": np.zeros((1, 64, 64), np.float32), "pixel_mm": 1.0, "scanner": Scanner()}
    with pytest.raises(InputError, match=says):
        acquire(**{**given, "rng": np.random.default_rng(0), **change})


def test_quality_measures_refuse_what_they_cannot_measure():
    with pytest.raises(InputError, match="2 repeats"):
        noise_power_spectrum(np.zeros((1, 32, 32)), 1.0)
    with pytest.raises(InputError, match="leaves the image"):
        modulation_transfer(np.zeros((64, 64)), 1.0, centre_mm=(0, 0), radius_mm=31)
    with pytest.raises(InputError, match="never falls"):
        frequency_at(np.arange(4.0), np.ones(4), 0.5)


def test_kernels_leave_zero_frequency_alone():
    for kernel in KERNELS.values():
        low = kernel(kept_frequencies(256)[:4])
        np.testing.assert_allclose(low, 1, atol=1e-3)
