"""Studies of n patients of several classes: who trains, who tests, and what chance makes of it."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medlib.cohorts import from_arrays
from medlib.errors import InputError
from medlib.study import by_patients, pretext

PATIENT = np.repeat(np.arange(90), 3)
LABEL = PATIENT % 3
NAMES = np.array(["no", "some", "much"])
OPTIONS = {"test_share": 0.3, "a_patient": 2, "draws": 6, "smallest": 6, "seed": 0}


def cohort(label=LABEL, patient=PATIENT, names=NAMES):
    images = np.random.default_rng(0).normal(size=(len(label), 40, 40)).astype(np.float32)
    ids = [f"p{p}" for p in patient]
    return from_arrays(images, names[label], patient_ids=ids, name="toy")


@pytest.fixture(scope="module")
def bench():
    return by_patients.bench(cohort(), **OPTIONS)


def features(bench, gain=2.5):
    x = np.random.default_rng(1).normal(size=(len(bench.labels), 30))
    x[np.arange(len(x)), bench.labels] += gain
    return x


def test_no_patient_trains_and_tests_and_all_their_images_count(bench):
    tests = set(bench.groups[bench.test])
    for rows in bench.drawn(30):
        assert not tests & set(bench.groups[rows])
        assert len(rows) == 60  # two images of each
        assert len(np.unique(bench.groups[rows])) == 30


def test_classes_take_turns_and_smaller_studies_lie_in_larger_ones(bench):
    for small, large in zip(bench.drawn(10), bench.drawn(30), strict=True):
        assert set(small) < set(large)
        counts = np.bincount(bench.labels[small]) / 2
        assert counts.min() >= 3
        assert counts.max() <= 4
    assert len({tuple(rows) for rows in bench.drawn(10)}) == 6


def test_images_of_a_patient_are_spread_evenly_over_those_there_are():
    many = cohort(label=np.repeat([0, 1, 2], 44), patient=np.repeat(np.arange(12), 11))
    chosen = by_patients._thinned(many, 3)
    assert list(chosen[:3]) == [0, 5, 10]
    assert len(chosen) == 36


def test_a_patient_of_two_classes_is_drawn_by_class_and_tests_whole():
    label = LABEL.copy()
    label[0::3] = (label[0::3] + 1) % 3
    both = from_arrays(cohort().images(40), NAMES[label], name="toy", allow_mixed_patients=True,
                       patient_ids=[f"p{p}" for p in PATIENT])  # fmt: skip
    bench = by_patients.bench(both, **OPTIONS)
    for rows in bench.drawn(20):
        assert not set(bench.groups[bench.test]) & set(bench.groups[rows])


def test_features_that_tell_the_class_do_and_shuffled_labels_do_not(bench):
    x = features(bench)
    right = bench.mean(bench.right(bench.features(x, 30, jobs=1)), 30)
    assert right.low > 0.5
    null = bench.shuffled(1)
    assert (np.bincount(null.labels) == np.bincount(bench.labels)).all()
    nothing = null.mean(null.right(null.features(x, 30, jobs=1)), 30)
    assert nothing.low < 1 / 3 < nothing.high


def test_the_macro_auc_is_the_mean_of_each_class_against_the_rest(bench):
    said = bench.features(features(bench, 0.8), 30, jobs=1)
    truth = bench.labels[bench.test]
    each = [[roc_auc_score(truth == k, p[:, k]) for k in range(3)] for p in said]
    assert bench.auc(said, 30).estimate == pytest.approx(np.mean(each))
    one = bench.area(bench.areas(said)[1], 30)
    assert one.estimate == pytest.approx(np.mean(each, axis=0)[1])


def test_the_auc_holds_where_classes_differ_in_size():
    label = np.repeat(np.repeat([0, 1, 2], [50, 25, 15]), 3)
    bench = by_patients.bench(cohort(label), **OPTIONS)
    said = bench.features(features(bench, 0.8), 20, jobs=1)
    truth = bench.labels[bench.test]
    each = [roc_auc_score(truth, p, multi_class="ovr", average="macro") for p in said]
    assert bench.auc(said, 20).estimate == pytest.approx(np.mean(each))


def test_a_network_learns_at_the_bench(bench):
    from medlib.learning.network import NetworkLearner

    images = np.zeros((len(bench.labels), 32, 32), np.float32)
    images[:, 4:12, :] += bench.labels[:, None, None] * 2.0
    images += np.random.default_rng(0).normal(size=images.shape).astype(np.float32) * 0.1
    learner = NetworkLearner("resnet10", size=32, batch_size=8, augment=False, precision="fp32")
    said = bench.networks(learner, images, 30, steps=80, draws=2, seed=0)
    assert said[0].shape == (len(bench.test), 3)
    assert bench.right(said).mean() > 0.5


@pytest.mark.parametrize(
    ("label", "patient", "options", "said"),
    [
        (np.repeat([0, 1, 2], [40, 40, 2]), np.r_[np.arange(80), 80, 80], {}, "'much'.*has 1 pat"),
        (LABEL, PATIENT, {"smallest": 80}, "a draw may take"),
        (LABEL, PATIENT, {"smallest": 4}, "two of each"),
    ],
)
def test_too_few_patients_are_refused_before_anything_is_trained(label, patient, options, said):
    with pytest.raises(InputError, match=said):
        by_patients.bench(cohort(label, patient), **OPTIONS | options)


def test_sizes_are_read_and_those_too_large_left_out(bench):
    assert by_patients.sizes_that_fit("10, 25,50,1000", bench) == [10, 25]
    with pytest.raises(InputError, match="give numbers"):
        by_patients.read_sizes("ten")


# --- pretext training


def test_images_without_labels_are_those_that_may_train(bench):
    images, whose = pretext.images_without_labels(bench.cases, bench, "", 32, most=50)
    assert images.shape == (50, 32, 32)
    assert "without their labels" in whose
    tested = bench.cases.select(bench.test).unit_images(32)
    assert not any((image == other).all() for image in images[:5] for other in tested)


def test_a_folder_of_images_without_labels_is_read_by_its_name(bench, tmp_path):
    from files import grey, save

    for k in range(20):
        save(tmp_path / f"{k}.png", grey(k))
    images, whose = pretext.images_without_labels(
        bench.cases, bench, f"images:{tmp_path}", 32, most=99
    )
    assert images.shape == (20, 32, 32)
    assert str(tmp_path) in whose
    with pytest.raises(InputError, match="needs 16"):
        pretext.images_without_labels(bench.cases, bench, f"images:{tmp_path}", 32, most=9)


def test_a_step_takes_time_and_epochs_make_up_the_steps():
    from medlib.learning.self_supervised import ContrastiveLearner

    learner = ContrastiveLearner("resnet10", size=32, batch_size=8)
    assert pretext.for_steps(learner, 100, 80).epochs == 10
    assert pretext.for_steps(learner, 100, 4).epochs == 100
    images = np.random.default_rng(0).random((16, 32, 32), dtype=np.float32)
    assert pretext.seconds_a_step(learner, images, np.zeros(16, dtype=int), 8) >= 0
