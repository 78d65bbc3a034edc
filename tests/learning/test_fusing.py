"""Four ways to fuse: absent modalities are not read, nothing leaks, and what can be learned is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from medlib.errors import InputError
from medlib.learning import fusing
from medlib.learning.fusing import Recipe, Seen
from medlib.models.fusion import KINDS, build_fusion, parameters, width_for
from medlib.study import fused

N, M, P, C = 6, 3, 4, 5


@pytest.fixture(params=KINDS)
def fusion(request):
    torch.manual_seed(0)
    return build_fusion(request.param, modalities=M, channels=C, width=7).eval()


def inputs(seed=0, **absent):
    rng = torch.Generator().manual_seed(seed)
    present = torch.ones(N, M, dtype=torch.bool)
    return torch.randn(N, M, P, C, generator=rng), present


def test_a_fusion_gives_one_number_a_case(fusion):
    assert fusion(*inputs()).shape == (N,)


def test_what_stands_in_an_absent_modality_is_never_read(fusion):
    tokens, present = inputs()
    present[2, 1] = present[4, 0] = present[4, 2] = False
    said = fusion(tokens, present)
    for rubbish in (0.0, 1e6, float("nan")):
        other = tokens.clone()
        other[2, 1], other[4, 0], other[4, 2] = rubbish, rubbish, rubbish
        assert torch.equal(fusion(other, present), said)
    assert torch.isfinite(said).all()


def test_an_absent_modality_gets_no_gradient(fusion):
    tokens, present = inputs()
    present[:, 1] = False
    tokens.requires_grad_()
    fusion.loss(tokens, present, torch.ones(N)).backward()
    assert not tokens.grad[:, 1].any()
    assert tokens.grad[:, 0].any()


def test_masking_is_not_the_same_as_zeros(fusion):
    tokens, present = inputs()
    zeros = tokens.clone()
    zeros[:, 1] = 0
    masked = present.clone()
    masked[:, 1] = False
    assert not torch.allclose(fusion(zeros, present), fusion(zeros, masked))


def test_a_case_does_not_depend_on_the_others(fusion):
    tokens, present = inputs()
    assert torch.allclose(
        fusion(tokens, present)[3:4], fusion(tokens[3:4], present[3:4]), atol=1e-6
    )


def test_attention_adds_up_to_one_over_what_is_present_and_asks_the_others():
    torch.manual_seed(0)
    fusion = build_fusion("attention", modalities=M, channels=C, width=7)
    tokens, present = inputs()
    present[1, 0] = False
    present[2, 0] = present[2, 1] = False
    looked = fusion.attended(tokens, present)
    assert looked.shape == (N, M, P)
    assert torch.allclose(looked.sum(dim=(1, 2)), torch.ones(N))
    assert not looked[1, 0].any()
    assert torch.allclose(looked[2, 2].sum(), torch.tensor(1.0))  # alone, it asks itself
    weights = fusion.weights(torch.nn.functional.gelu(fusion.encoded(tokens, present)), present)
    assert not torch.diagonal(weights[0].sum(dim=2)).any()


def test_late_networks_do_not_see_each_other():
    torch.manual_seed(0)
    fusion = build_fusion("late", modalities=M, channels=C, width=7)
    tokens, present = inputs()
    other = tokens.clone()
    other[:, 2] += 1
    assert torch.equal(fusion.each(tokens, present)[:, :2], fusion.each(other, present)[:, :2])


def test_networks_are_matched_in_their_number_of_weights():
    for kind in KINDS:
        for modalities in (1, 2, 3):
            size = {"modalities": modalities, "channels": 16}
            width = width_for(kind, **size, budget=1500)
            assert parameters(kind, **size, width=width) == pytest.approx(1500, rel=0.12)


def test_an_unknown_fusion_is_refused_and_only_attention_has_maps():
    with pytest.raises(InputError, match="no fusion 'sum'"):
        build_fusion("sum", modalities=2, channels=3, width=4)
    with pytest.raises(InputError, match="no attention"):
        build_fusion("late", modalities=2, channels=3, width=4).attended(*inputs())


# --- cross-validation


def toy(rule, n=120, seed=0):
    """Two modalities of which each shows a bit, in one place, among noise."""
    rng = np.random.default_rng(seed)
    bits = np.stack([np.arange(n) % 2, np.arange(n) // 2 % 2], axis=1)
    tokens = 0.3 * rng.standard_normal((n, 2, 4, 6)).astype(np.float32)
    tokens[:, 0, 1, 2] += 2 * bits[:, 0]
    tokens[:, 1, 1, 3] += 2 * bits[:, 1]
    labels = {"first": bits[:, 0], "both": bits[:, 0] ^ bits[:, 1]}[rule]
    return Seen(("a", "b"), tokens, np.ones((n, 2), bool)), labels.astype(np.int64)


def reached(kind, rule, **how):
    seen, labels = toy(rule)
    split = fusing.deal(labels, np.arange(len(labels)), folds=4, repeats=2, seed=0)
    fits = fusing.cross_fit(Recipe(kind=kind, budget=400, **how), seen, labels, split)
    return ((fusing.out_of_fold(fits, seen) > 0.5) == labels).mean()


@pytest.mark.parametrize("kind", KINDS)
def test_every_fusion_learns_what_one_modality_shows(kind):
    assert reached(kind, "first") > 0.9


def test_only_a_joint_reading_learns_what_lies_in_the_combination():
    assert reached("early", "both", steps=250) > 0.85
    assert reached("late", "both", steps=250) < 0.65


def test_the_labels_of_a_test_fold_reach_no_prediction_of_it():
    seen, labels = toy("first")
    split = fusing.deal(labels, np.arange(len(labels)), folds=4, repeats=1, seed=0)
    recipe = Recipe(kind="early", budget=300, steps=20)
    here = split[0] == 2
    other = np.where(here, 1 - labels, labels)
    one, two = (fusing.out_of_fold(fusing.cross_fit(recipe, seen, y, split), seen)[0]
                for y in (labels, other))  # fmt: skip
    assert np.allclose(one[here], two[here], atol=1e-6)
    assert not np.allclose(one[~here], two[~here], atol=1e-6)


def test_tokens_of_a_test_fold_do_not_reach_the_components():
    seen, _ = toy("first")
    rows = np.arange(60)
    other = replace(seen, tokens=np.concatenate([seen.tokens[:60], 9 * seen.tokens[60:]]))
    for one, two in zip(fusing.compress(seen, rows), fusing.compress(other, rows), strict=True):
        assert torch.equal(one, two)


def test_the_same_seed_gives_the_same_scores():
    seen, labels = toy("first", n=40)
    split = fusing.deal(labels, np.arange(40), folds=3, repeats=2, seed=1)
    one, two, other = (
        fusing.out_of_fold(
            fusing.cross_fit(Recipe(budget=200, steps=10), seen, labels, split, seed=s), seen
        )
        for s in (0, 0, 1)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_the_best_single_modality_is_chosen_in_training():
    seen, labels = toy("first")
    split = fusing.deal(labels, np.arange(len(labels)), folds=4, repeats=2, seed=0)
    chosen = fusing.best_single(seen, labels, np.arange(len(labels)), split, Recipe(budget=400))
    assert chosen.shape == (2, 4)
    assert (chosen == 0).all()
    scores = {"a": np.zeros(split.shape), "b": np.ones(split.shape)}
    assert not fusing.by_choice(chosen, scores, split).any()


def test_the_choice_of_a_modality_keeps_patients_whole():
    labels = np.arange(48) % 2
    groups = labels + 2 * (np.arange(48) // 8)  # four images of a patient
    inside = np.flatnonzero(groups > 1)
    tested = fusing._quarter(inside, labels, groups, np.random.default_rng(0))
    assert len(tested) == 8
    assert set(labels[tested]) == {0, 1}
    assert not set(groups[tested]) & set(groups[np.setdiff1d(inside, tested)])
    assert set(tested) <= set(inside)


def test_a_modality_that_no_training_case_has_is_refused():
    seen, labels = toy("first", n=40)
    gone = replace(seen, present=np.column_stack([np.ones(40, bool), np.zeros(40, bool)]))
    split = fusing.deal(labels, np.arange(40), folds=3, repeats=1, seed=0)
    with pytest.raises(InputError, match="no training case has the modality 'b'"):
        fusing.cross_fit(Recipe(), gone, labels, split)


# --- what a study changes


def test_strangers_leave_the_kept_modality_and_are_never_oneself():
    seen, _ = toy("first")
    strange = fused.with_strangers(seen, "a", np.arange(len(seen.tokens)), 0)
    assert np.array_equal(strange.tokens[:, 0], seen.tokens[:, 0])
    assert not (strange.tokens[:, 1] == seen.tokens[:, 1]).all(axis=(1, 2)).any()
    assert (
        np.sort(strange.tokens[:, 1].ravel()).tolist()
        == np.sort(seen.tokens[:, 1].ravel()).tolist()
    )


def test_strangers_are_other_patients_and_not_other_images_of_the_same():
    seen, _ = toy("first")
    n = len(seen.tokens)
    groups = np.random.default_rng(1).permutation(np.minimum(np.arange(n), n // 2 + 3) // 2)
    tokens = np.broadcast_to(groups[:, None, None, None], seen.tokens.shape)
    marked = replace(seen, tokens=tokens.astype(np.float32))
    for seed in range(5):
        strange = fused.with_strangers(marked, "a", groups, seed).tokens
        assert (strange[:, 0] == tokens[:, 0]).all()
        assert (strange[:, 1] != tokens[:, 1]).all()
    with pytest.raises(InputError, match="add patients"):
        fused.with_strangers(seen, "a", np.arange(n) * 0, 0)


def test_each_case_lacks_one_modality_and_never_its_last():
    seen, _ = toy("first")
    seen.present[5] = [True, False]
    lacking = fused.lacking_one(seen, 0)
    assert (lacking.present.sum(axis=1) == 1).all()
    assert lacking.present[5].tolist() == [True, False]


def test_moving_leaves_the_still_modality_and_moves_others_by_the_distance():
    images = np.zeros((3, 32, 32), np.float32)
    images[:, 16, 16] = 1
    change = fused.moved_by(5, 0, still="ct")
    assert np.array_equal(change("ct", images), images)
    for one in change("mri", images):
        rows, columns = np.indices(one.shape)
        at = np.array([(rows * one).sum(), (columns * one).sum()]) / one.sum()
        assert np.hypot(*(at - 16)) == pytest.approx(5, abs=0.2)


def test_deletion_takes_the_places_of_the_highest_values():
    seen, _ = toy("first", n=8)
    order = np.zeros((8, 2, 4))
    order[:, 1, 2] = 1
    gone = fused.deleted(seen, order, 1 / 8)
    changed = (gone.tokens != seen.tokens).any(axis=3)
    assert changed[:, 1, 2].all()
    assert changed.sum() == 8


def test_only_what_is_present_is_taken_away_or_averaged():
    """Else random places are lost where there are none, and any map looks faithful beside them."""
    seen = Seen(("a", "b"), np.ones((4, 2, 4, 3), np.float32), np.ones((4, 2), bool))
    seen.tokens[1:, 1], seen.present[0, 1] = 3.0, False
    seen.tokens[0, 1] = 1e6  # absent
    order = np.zeros((4, 2, 4))
    order[:, 1] = 1
    gone = fused.deleted(replace(seen, tokens=seen.tokens * [[[[1.0, 2.0, 3.0]]]]), order, 0.5)
    order[1:, 1] = 0
    wanted = seen.tokens * np.array([1.0, 2.0, 3.0])
    assert np.array_equal(gone.tokens, wanted)  # all have the same, so the average is the same
    marked = seen.tokens + np.arange(4, dtype=np.float32)[:, None, None, None]
    changed = (fused.deleted(replace(seen, tokens=marked), order, 0.5).tokens != marked).any(axis=3)
    assert changed[0].sum(axis=1).tolist() == [2, 0]  # half of four, not of eight
