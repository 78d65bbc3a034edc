"""Simulated kidneys: the same bytes, each finding with its attenuation, and none without one."""

from dataclasses import replace

import numpy as np
import pytest

from medlib.cohorts import load
from medlib.cohorts.sources import kidney as source
from medlib.errors import InputError
from medlib.phantom import kidney
from medlib.phantom.anatomy import belly as bellies
from medlib.phantom.anatomy import kidney as kidneys
from medlib.phantom.anatomy import renal
from medlib.phantom.anatomy.geometry import Grid
from medlib.phantom.anatomy.renal import KINDS
from medlib.phantom.anatomy.shares import Attenuation, Shares
from medlib.phantom.anatomy.substances import SUBSTANCES

GRID = Grid(1.0, 120)


def slab(phase="none"):
    made = kidney._substances(phase, np.random.default_rng(0))
    return Attenuation.of(GRID, list(made), list(made.values()))


def organ(seed=0):
    return kidneys.draw(np.random.default_rng(seed), centre=(0.5, 0.0), turn=0.0, size=1.0)


def painted(kind, *, seed=0, phase="nephrographic", away=0.0):
    """HU of the level of the finding, before any scanner."""
    one, plane = organ(seed), slab(phase)
    finding = renal.draw(np.random.default_rng(seed), one, kind, phase)
    kidneys.paint(plane, one, finding.height + away)
    renal.paint(plane, finding, finding.height + away)
    return plane.hu, finding


def inside(hu, mass, share=0.8):
    x, y = GRID.axes()
    at = renal.distance(mass, x[None, :], y[:, None], mass.centre[2])
    return hu[at < -(1 - share) * mass.radius - 1]


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones():
    first, again, other = (kidney.simulate(seed, "cyst") for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)
    assert first.images.shape == (2, 96, 96)
    np.testing.assert_array_equal(first.images, np.rint(first.images))


def test_what_is_not_the_finding_is_the_same_in_every_class():
    made = [kidney.simulate(8, kind) for kind in KINDS]
    assert {(m.phase, m.side, m.heights, m.scanner.kernel, m.scanner.mas) for m in made} == {
        (made[0].phase, made[0].side, made[0].heights, made[0].scanner.kernel, made[0].scanner.mas)
    }


def test_cysts_are_even_and_take_up_no_contrast_medium():
    for seed in range(12):
        values = []
        for phase in kidneys.PHASES:
            hu, found = painted("cyst", seed=seed, phase=phase)
            within = inside(hu, found.mass)
            assert within.std() < 4
            values.append(within.mean())
        assert np.ptp(values) < 1
        assert -5 < values[0] < 90


def test_tumours_take_it_up_unevenly():
    gained, rough = [], []
    for seed in range(12):
        plain, bright = (painted("tumour", seed=seed, phase=p) for p in ("none", "nephrographic"))
        assert plain[1].mass.radius == bright[1].mass.radius
        gained.append(bright[1].mass.hu - plain[1].mass.hu)
        rough.append(inside(bright[0], bright[1].mass).std())
    assert min(gained) > 5
    assert max(gained) > 50
    assert np.median(rough) > 8


def test_stones_are_dense_and_fade_at_their_ends():
    hu, found = painted("stone", seed=2)
    x, y, _, _, half, own = found.stones[0]
    row, column = (round(v + (GRID.size - 1) / 2) for v in (y, x))
    assert hu[row, column] == pytest.approx(own, rel=0.15)
    beyond, _ = painted("stone", seed=2, away=half + 20)
    assert beyond[row, column] < 200
    assert own >= 200
    assert half >= renal.STONE_HEIGHT_MM


def test_neighbouring_slices_both_hold_the_smallest_stone():
    for seed in range(20):
        made = kidney.simulate(seed, "stone", matrix=32)
        first = made.finding.stones[0]
        thick = made.scanner.slice_thickness_mm / 2
        for z in made.heights:
            assert max(0.0, abs(z - first[2]) - thick) < first[4]


def test_dense_urine_and_calcified_arteries_are_in_healthy_kidneys():
    most = [kidney.simulate(seed, "normal", slices=1) for seed in range(30)]
    excreting = [m for m in most if m.phase == "excretory"]
    assert excreting
    assert {m.phase for m in most} == set(kidneys.PHASES)
    assert sum(len(organ(seed).flecks) > 0 for seed in range(100)) in range(6, 28)


def test_carrying_hounsfield_units_is_the_same_as_mixing_shares():
    belly = bellies.draw(np.random.default_rng(3))
    grid = Grid(3.0, 128)
    made = [kind.of(grid, list(SUBSTANCES), list(SUBSTANCES.values()))
            for kind in (Shares, Attenuation)]  # fmt: skip
    for each in made:
        bellies.paint(each, belly, 0.0)
    np.testing.assert_allclose(made[0].mixed("hu"), made[1].hu, atol=1e-9)


def test_what_cannot_be_simulated_is_refused():
    for wrong, said in (({"kind": "tumor"}, "kind"), ({"task": "whole"}, "task"),
                        ({"matrix": 7}, "matrix"), ({"slices": 4}, "1 to 3")):  # fmt: skip
        with pytest.raises(InputError, match=said):
            kidney.simulate(0, **({"kind": "cyst"} | wrong))


# --- the cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield load("phantom-kidney", per_class=2, unlabelled=3, seed=3, jobs=1, several=True)


def test_a_patient_has_several_images_and_one_label(cohort):
    assert cohort.classes == KINDS
    assert len(cohort) == 16
    assert cohort.table.patient_id.nunique() == 8
    assert (cohort.table.groupby("patient_id").label.nunique() == 1).all()
    assert cohort.table.image_id.is_unique
    assert cohort.images(32).shape == (16, 32, 32)


def test_of_patients_without_labels_nothing_tells_the_class(cohort):
    hidden = source.without_labels(cohort)
    assert set(hidden.table.label) == {source.UNLABELLED}
    assert hidden.table.patient_id.nunique() == 3
    assert not set(hidden.table.sha256) & set(cohort.table.sha256)
    assert not set(hidden.table.patient_id) & set(cohort.table.patient_id)
    assert not any(kind in str(row) for kind in KINDS for row in hidden.table.drop(
        columns="path").itertuples())  # fmt: skip


def test_patients_without_labels_stay_known_where_classes_are_chosen(cohort):
    two = load("phantom-kidney", per_class=2, unlabelled=3, seed=3, classes="normal,tumour")
    assert len(source.without_labels(two)) == len(source.without_labels(cohort))
    assert source.without_labels(replace(cohort, left_out=None)) is None


def test_more_patients_do_not_change_the_first_ones(cohort):
    one = load("phantom-kidney", per_class=1, seed=3, jobs=1, several=True)
    assert list(one.table.sha256) == list(cohort.table.sha256[:8])
