"""The simulated MR scanner, held to what physics says of signal, noise, coil and motion."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from medlib.errors import InputError
from medlib.phantom.anatomy.substances import SUBSTANCES
from medlib.phantom.scanner import mri
from medlib.phantom.scanner.mri import GAIN, SEQUENCES, Acquisition, Coil, Sequence

STILL = Acquisition(matrix=64, noise=0.0)
N = 64


def rng(seed=0):
    return np.random.default_rng(seed)


def disc(level=0.5, radius=18.0, n=N):
    y, x = np.mgrid[:n, :n] - n / 2
    return np.where(np.hypot(x, y) < radius, level, 0.0)


def measured(sequence, t1, t2, seed):
    """Mean stored value in the middle of an even object of this tissue."""
    level = mri.signal(sequence, protons=np.array(0.8), t1=np.array(t1), t2=np.array(t2))
    how = Acquisition(matrix=N, noise=0.002)
    image = mri.acquire(disc(float(level)), coil=Coil(), acquisition=how, rng=rng(seed))
    return image[N // 2 - 6 : N // 2 + 6, N // 2 - 6 : N // 2 + 6].mean()


@pytest.mark.parametrize("name", ["liver", "muscle", "spleen"])
def test_t2_is_recovered_by_fitting_spin_echoes(name):
    tissue = SUBSTANCES[name]
    te = np.array([10.0, 20, 40, 60, 90])
    seen = [measured(Sequence(4000, t), tissue.t1, tissue.t2, k) for k, t in enumerate(te)]
    (_, t2), _ = curve_fit(lambda t, a, b: a * np.exp(-t / b), te, seen, p0=(seen[0], 60))
    assert t2 == pytest.approx(tissue.t2, rel=0.04)


@pytest.mark.parametrize("name", ["fat", "liver", "spleen"])
def test_t1_is_recovered_by_fitting_repetition_times(name):
    tissue = SUBSTANCES[name]
    tr = np.array([150.0, 300, 600, 1200, 2400, 6000])
    seen = [measured(Sequence(t, 10), tissue.t1, tissue.t2, k) for k, t in enumerate(tr)]
    (_, t1), _ = curve_fit(lambda t, a, b: a * (1 - np.exp(-t / b)), tr, seen, p0=(seen[-1], 700))
    assert t1 == pytest.approx(tissue.t1, rel=0.04)


def test_flair_darkens_free_fluid_and_keeps_oedema():
    fluid, wet = ({"protons": np.array(1.0), "t1": np.array(t1), "t2": np.array(t2)}
                  for t1, t2 in ((4000.0, 1500.0), (1150.0, 65.0)))  # fmt: skip
    t2_weighted, flair = SEQUENCES["t2"], SEQUENCES["flair"]
    assert mri.signal(t2_weighted, **fluid) > mri.signal(t2_weighted, **wet)
    assert mri.signal(flair, **fluid) < 0.35 * mri.signal(flair, **wet)
    at_null = Sequence(60000, 1, 4000 * np.log(2))  # of a long TR fluid is nulled at T1 ln 2
    assert mri.signal(at_null, **fluid) == pytest.approx(0, abs=1e-6)


def test_noise_in_air_is_rayleigh_and_in_tissue_rician():
    sigma = 0.02
    how = Acquisition(matrix=N, noise=sigma)
    air = mri.acquire(np.zeros((N, N)), coil=Coil(), acquisition=how, rng=rng()) / GAIN
    assert air.mean() == pytest.approx(sigma * np.sqrt(np.pi / 2), rel=0.02)
    assert air.std() == pytest.approx(sigma * np.sqrt(2 - np.pi / 2), rel=0.03)
    weak = 1.5 * sigma  # mean square of a Rician number: A^2 + 2 sigma^2
    seen = mri.acquire(np.full((N, N), weak), coil=Coil(), acquisition=how, rng=rng(1)) / GAIN
    assert (seen**2).mean() == pytest.approx(weak**2 + 2 * sigma**2, rel=0.03)


def test_the_image_of_a_still_body_without_noise_is_its_signal():
    image = mri.acquire(disc(0.5), coil=Coil(), acquisition=STILL, rng=rng())
    assert image[32, 32] == pytest.approx(0.5 * GAIN, abs=1)
    half = mri.acquire(disc(0.5, n=128, radius=36), coil=Coil(), acquisition=STILL, rng=rng())
    assert half[32, 32] == pytest.approx(0.5 * GAIN, rel=0.02)  # fewer pixels, the same signal


def test_the_coil_multiplies_the_signal():
    coil = Coil(slope=(0.3, -0.2), bend=0.1)
    plain, seen = (
        mri.acquire(disc(0.4, 30), coil=each, acquisition=STILL, rng=rng())
        for each in (Coil(), coil)
    )
    inside = disc(1.0, 26) > 0
    ratio = seen[inside] / plain[inside]
    assert ratio == pytest.approx(coil.bias(N)[inside], rel=0.01)
    assert coil.bias(N).mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("cycles", [8, 11, 16])
def test_ghosts_are_as_many_pixels_apart_as_the_body_moves_in_a_scan(cycles):
    point = np.zeros((N, N))
    point[N // 2, N // 2] = 0.8
    how = Acquisition(matrix=N, noise=0.0, motion=0.4, cycles=cycles)
    column = mri.acquire(point, coil=Coil(), acquisition=how, rng=rng())[:, N // 2]
    away = np.abs(np.arange(N) - N // 2)
    ghosts = np.sort(np.argsort(np.where(away > 3, column, -1))[-2:])
    assert np.abs(ghosts - N // 2) == pytest.approx([cycles, cycles], abs=1)


def test_ghosts_lie_along_the_lines_that_are_encoded_by_phase_only():
    how = Acquisition(matrix=N, noise=0.0, motion=2.0, cycles=9)
    image = mri.acquire(disc(0.8, 10), coil=Coil(), acquisition=how, rng=rng())
    assert image[:16, 26:38].mean() > 5 * image[26:38, :16].mean()


def test_pixels_lie_where_the_map_has_them():
    n, m = 128, 64
    ideal = np.zeros((n, n))
    ideal[40:44, 90:94] = 0.8  # its middle is at 41.5 and 91.5 pixels of the map
    image = mri.acquire(ideal, coil=Coil(), acquisition=Acquisition(matrix=m, noise=0), rng=rng())
    place = mri.places(n, m, 1.0)
    weight = image**2
    assert (weight.sum(1) @ place) / weight.sum() == pytest.approx(41.5 - (n - 1) / 2, abs=0.3)
    assert (weight.sum(0) @ place) / weight.sum() == pytest.approx(91.5 - (n - 1) / 2, abs=0.3)


def test_what_cannot_be_played_or_scanned_is_refused():
    with pytest.raises(InputError, match="cannot be played"):
        Sequence(100, 120)
    with pytest.raises(InputError, match="cannot be scanned"):
        mri.acquire(np.zeros((64, 64)), coil=Coil(), acquisition=Acquisition(matrix=65), rng=rng())
