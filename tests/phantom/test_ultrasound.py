"""The simulated ultrasound scanner: speckle, attenuation, shadow, enhancement, geometry."""

from dataclasses import replace

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.phantom.scanner import ultrasound
from medlib.phantom.scanner.ultrasound import Medium, Probe

PROBE = Probe(skin=(0.0, -100.0), towards=np.pi / 2, gain_db=0.0, noise=0.0)
SHAPE = (len(PROBE.depths), PROBE.beams)


def even(echo=1.0, attenuation=0.0):
    return Medium(np.full(SHAPE, echo), np.full(SHAPE, attenuation), np.full(SHAPE, 1.65))


def seen(medium, probe=PROBE, seed=0):
    return ultrasound.envelope(medium, probe, np.random.default_rng(seed))


def test_the_envelope_of_even_tissue_is_rayleigh():
    """Mean over SD is sqrt(pi / (4 - pi)) = 1.913, and the intensity is exponential."""
    amplitude = seen(even())[20:-20, 20:-20]
    assert amplitude.mean() / amplitude.std() == pytest.approx(1.913, rel=0.03)
    intensity = amplitude**2
    assert intensity.mean() / intensity.std() == pytest.approx(1.0, rel=0.04)
    assert np.sqrt(intensity.mean()) == pytest.approx(1, rel=0.03)
    share = (intensity > 2 * intensity.mean()).mean()
    assert share == pytest.approx(np.exp(-2), rel=0.1)


def test_speckle_is_as_wide_as_the_pulse_and_the_beam():
    """Autocovariance of a Gaussian-smeared complex field: its 1/e half-width is 2 sigma."""
    amplitude = seen(even())
    deviation = amplitude - amplitude.mean()
    for axis, sigma in ((0, PROBE.pulse / PROBE.step), (1, PROBE.beam / (1.2 / 255))):
        lag = round(2 * sigma)
        shifted = np.roll(deviation, lag, axis)
        alike = (deviation * shifted).mean() / deviation.var()
        # intensities would have exp(-lag^2 / (2 sigma^2)) = exp(-2); amplitudes nearly so
        assert alike == pytest.approx(np.exp(-(lag**2) / (2 * sigma**2)), abs=0.06)


@pytest.mark.parametrize(("attenuation", "mhz"), [(0.5, 3.5), (1.0, 3.5), (0.5, 5.0)])
def test_echoes_weaken_with_depth_by_their_decibels_there_and_back(attenuation, mhz):
    probe = replace(PROBE, mhz=mhz)
    power = (seen(even(attenuation=attenuation), probe) ** 2).mean(axis=1)
    inside = slice(20, 400)
    slope = np.polyfit(probe.depths[inside] / 10, 10 * np.log10(power[inside]), 1)[0]  # dB / cm
    assert -slope / (2 * mhz) == pytest.approx(attenuation, rel=0.06)


def test_time_gain_compensation_makes_even_tissue_even():
    probe = replace(PROBE, gain_db=0.5)
    power = (seen(even(attenuation=0.5), probe) ** 2).mean(axis=1)
    assert power[400:].mean() == pytest.approx(power[40:200].mean(), rel=0.15)


def behind(**changed):
    """Decibels behind a disc-like inclusion, against beside it, with compensation."""
    probe = replace(PROBE, gain_db=0.5)
    medium = even(attenuation=0.5)
    where = slice(160, 240), slice(100, 156)  # 20 mm long
    for name, value in changed.items():
        getattr(medium, name)[where] = value
    amplitude = seen(medium, probe)[280:380]
    there, beside = (amplitude[:, a:b] ** 2 for a, b in ((110, 146), (10, 80)))
    return 10 * np.log10(there.mean() / beside.mean())


def test_a_shadow_lies_behind_calcification():
    lost = 2 * 3.5 * (15 - 0.5) * 2.0  # 2 cm of bone against liver, there and back: 203 dB
    assert behind(attenuation=15.0) < -60
    mild = behind(attenuation=1.5)
    assert mild == pytest.approx(-2 * 3.5 * 1.0 * 2.0, abs=1.0)
    assert lost > 200


def test_echoes_behind_a_cyst_are_enhanced():
    assert behind(attenuation=0.0022, echo=0.02) == pytest.approx(2 * 3.5 * 0.5 * 2.0, abs=1.0)


def test_noise_of_the_receiver_fills_shadows_after_compensation():
    probe = replace(PROBE, gain_db=0.5, noise=1e-3)
    dark = seen(even(echo=0.0), probe)
    rise = 20 * np.log10(dark[500:560].mean() / dark[100:160].mean())
    assert rise == pytest.approx(2 * 0.5 * 3.5 * 400 * 0.25 / 10, abs=0.5)


def test_a_step_of_impedance_is_a_bright_line():
    medium = even(echo=0.1)
    medium.impedance[300:] = 1.4
    amplitude = seen(medium).mean(axis=1)
    assert abs(int(amplitude.argmax()) - 300) <= 1
    assert amplitude.max() > 5 * np.median(amplitude)


def test_grey_levels_are_decibels():
    probe = replace(PROBE, range_db=60.0, head_db=20.0)
    levels = ultrasound.compressed(np.array([10.0, 1.0, 0.1, 1e-9]), probe)
    assert levels.tolist() == [255, round(255 * 2 / 3), 85, 0]


def test_places_and_samples_are_inverse():
    x, y = PROBE.places()
    sample, beam = PROBE.samples(x, y)
    assert sample == pytest.approx(np.arange(SHAPE[0])[:, None] * np.ones(SHAPE), abs=1e-9)
    assert beam == pytest.approx(np.arange(SHAPE[1])[None, :] * np.ones(SHAPE), abs=1e-9)
    assert (x[0, 127] + x[0, 128], y[0, 127]) == pytest.approx((0, -100), abs=1e-2)


def test_a_probe_needs_positive_lengths():
    with pytest.raises(InputError, match="depth of a probe"):
        replace(PROBE, depth=0.0)
