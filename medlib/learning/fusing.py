"""Small fusions of frozen tokens, cross-validated: all folds of all repeats train side by side.

A fit of a small network takes hundreds of steps of a few microseconds' work, so that Python itself
is what takes the time. Here the fits of all folds and repeats are stacked and take each step
together (`torch.func.vmap`), on one thread. No fit sees another's cases or weights.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from medlib.errors import InputError
from medlib.learning.folds import stratified_patient_folds
from medlib.models.classifiers import seeded
from medlib.models.fusion import Fusion, build_fusion, width_for
from medlib.runtime.arithmetic import one_thread
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Bools, Floats, Integers, Labels, Singles

COMPONENTS: Final = 16
"""Numbers of a token that the fusion sees: principal components of the training tokens."""


@dataclass(frozen=True)
class Seen:
    """Cases: tokens n x modalities x places x channels, present n x modalities.

    What stands in the tokens of an absent modality makes no difference.
    """

    names: tuple[str, ...]
    tokens: Singles
    present: Bools

    def only(self, names: Sequence[str]) -> "Seen":
        """The same cases in some of the modalities."""
        chosen = [self.names.index(name) for name in names]
        return Seen(tuple(names), self.tokens[:, chosen], self.present[:, chosen])

    def without(self, name: str) -> "Seen":
        """The same cases with one modality masked in all that have another."""
        present = self.present.copy()
        present[:, self.names.index(name)] = False
        lost = ~present.any(axis=1)
        present[lost] = self.present[lost]
        return replace(self, present=present)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to fuse and how to train: fixed beforehand, the same for all that are compared.

    kind: one of `models.fusion.KINDS`. budget: weights, about. masking: chance that training hides
    a modality of a case from the network, never all of them.
    """

    kind: str = "late"
    budget: int = 1500
    steps: int = 120
    batch: int = 24
    learning_rate: float = 2e-2
    weight_decay: float = 0.05
    masking: float = 0.0


class Compression(NamedTuple):
    """Mean (modalities x 1 x channels) and directions (modalities x channels x components)."""

    mean: Tensor
    directions: Tensor

    def apply(self, tokens: Tensor) -> Tensor:
        """Tokens as the fusion sees them."""
        return torch.einsum("nmpc,mck->nmpk", tokens - self.mean, self.directions)


class Fit(NamedTuple):
    """A trained fusion, what it sees, and the rows (of all cases) that it is tested on."""

    module: Fusion
    compression: Compression
    test: Integers


class Fits(NamedTuple):
    """All fits of repeated cross-validation, repeat by repeat, and the fold of each case."""

    fits: tuple[Fit, ...]
    split: Integers  # repeats x cases


Ask = Callable[[Fit, Tensor, Tensor], Tensor]
"""What is asked of a fit about compressed tokens and their presence."""


def deal(labels: Labels, groups: Integers, *, folds: int, repeats: int, seed: int) -> Integers:
    """Return the fold of each case in each repeat: repeats x cases, patients kept whole."""
    first = as_seed(seed)
    return np.stack(
        [
            stratified_patient_folds(labels, groups, folds=folds, seed=first + r)
            for r in range(as_number(repeats, "repeats"))
        ]
    )


def cross_fit(
    recipe: Recipe, seen: Seen, labels: Labels, split: Integers, *, seed: int = 0
) -> Fits:
    """Return a fusion for each fold of each repeat, trained on the other folds.

    `split` as `deal` gives it. Means, spreads and components of tokens are those of the training
    cases. Raises InputError for tokens that do not fit the labels.
    """
    if len(seen.tokens) != len(labels):
        raise InputError(f"{len(labels)} labels do not fit tokens of {len(seen.tokens)} cases.")
    parts = [(row != fold, row == fold) for row in split for fold in np.unique(row)]
    with one_thread():
        fits = _train(recipe, seen, labels, [np.flatnonzero(a) for a, _ in parts], seed)
    return Fits(
        tuple(
            Fit(module, compression, np.flatnonzero(test))
            for (module, compression), (_, test) in zip(fits, parts, strict=True)
        ),
        split,
    )


def out_of_fold(found: Fits, seen: Seen) -> Floats:
    """Return P(positive) of each case by the fit that was tested on it: repeats x cases.

    `seen` may be other images of the same cases, as with a modality masked or moved.
    """
    return _each(found, seen, lambda fit, x, here: fit.module(x, here).sigmoid())


def attention_maps(found: Fits, seen: Seen) -> Floats:
    """Return where the fits look, mean over repeats: cases x modalities x places."""
    looked = _each(found, seen, lambda fit, x, here: fit.module.attended(x, here))
    return np.asarray(looked.mean(axis=0))


def best_single(
    seen: Seen, labels: Labels, groups: Integers, split: Integers, recipe: Recipe, *, seed: int = 0
) -> Integers:
    """Return the best modality (its number) of each fold of each repeat, from training cases alone.

    Of each training set a quarter of the patients of each class is held out, with all their cases,
    and the modality whose network, trained on the rest, ranks it best (AUC) is chosen: repeats x
    folds.
    """
    rng = np.random.default_rng([as_seed(seed), 3])
    parts = []
    for row in split:
        for fold in np.unique(row):
            inside = np.flatnonzero(row != fold)
            tested = _quarter(inside, labels, groups, rng)
            parts.append((np.setdiff1d(inside, tested), tested))
    reached = []
    for name in seen.names:
        one = seen.only([name])
        with one_thread():
            fits = _train(recipe, one, labels, [train for train, _ in parts], seed)
            fitted = [Fit(*fit, tested) for fit, (_, tested) in zip(fits, parts, strict=True)]
            scores = [_answers(fit, one, lambda f, x, here: f.module(x, here)) for fit in fitted]
        truth = [labels[tested] for _, tested in parts]
        reached.append([roc_auc_score(y, s) for y, s in zip(truth, scores, strict=True)])
    best: Integers = np.argmax(np.asarray(reached), axis=0)
    return best.reshape(len(split), -1)


def _quarter(
    inside: Integers, labels: Labels, groups: Integers, rng: np.random.Generator
) -> Integers:
    """All cases (of `inside`) of a quarter of the patients of each class, one patient at least."""
    held = []
    for k in np.unique(labels):
        of_class = inside[labels[inside] == k]
        first = np.sort(np.unique(groups[of_class], return_index=True)[1])
        held.append(rng.permutation(of_class[first])[: max(1, len(first) // 4)])
    return inside[np.isin(groups[inside], groups[np.concatenate(held)])]


def by_choice(chosen: Integers, scores: Mapping[str, Floats], split: Integers) -> Floats:
    """Return the scores of the modality that each case's fold has chosen: repeats x cases."""
    every = np.stack(list(scores.values()))  # modalities x repeats x cases
    repeat, case = np.indices(split.shape)
    return np.asarray(every[chosen[repeat, split], repeat, case])


def _each(found: Fits, seen: Seen, ask: Ask) -> Floats:
    """What each fit says of its test cases, laid out repeats x cases (x more)."""
    repeats, cases = found.split.shape
    per_repeat = len(found.fits) // repeats
    out: Floats | None = None
    with one_thread():
        for number, fit in enumerate(found.fits):
            said = _answers(fit, seen, ask)
            if out is None:
                out = np.zeros((repeats, cases, *said.shape[1:]))
            out[number // per_repeat, fit.test] = said
    assert out is not None
    return out


def _answers(fit: Fit, seen: Seen, ask: Ask) -> Floats:
    tokens = torch.from_numpy(seen.tokens[fit.test])
    here = torch.from_numpy(seen.present[fit.test])
    with torch.no_grad():
        said = ask(fit, fit.compression.apply(tokens), here)
    return np.asarray(said.numpy(), np.float64)


def _train(
    recipe: Recipe, seen: Seen, labels: Labels, training: list[Integers], seed: int
) -> list[tuple[Fusion, Compression]]:
    """Train one fusion on each list of rows, all step by step together."""
    seen_in = [compress(seen, rows) for rows in training]
    modules = _untrained(recipe, seen, len(training), seed)
    tokens, here, y = _stacked(seen, labels, training, seen_in)
    weights, _ = stack_module_state(modules)
    optimizer = torch.optim.AdamW(
        weights.values(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=recipe.steps
    )
    draw = np.random.default_rng([as_seed(seed), 1, _other_seed()])
    loss_of = vmap(_loss(modules[0]))
    which = torch.arange(len(training))[:, None]
    for _ in range(recipe.steps):
        rows = np.stack([draw.integers(len(own), size=recipe.batch) for own in training])
        batch = torch.from_numpy(rows)
        present = _masked(here[which, batch], recipe.masking, draw)
        losses = loss_of(weights, tokens[which, batch], present, y[which, batch])
        optimizer.zero_grad()
        losses.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return [(_filled(module, weights, k), seen_in[k]) for k, module in enumerate(modules)]


def compress(seen: Seen, rows: Integers) -> Compression:
    """Principal components of the tokens of these cases, each modality's own, overall SD 1."""
    means, directions = [], []
    for k in range(len(seen.names)):
        own = seen.tokens[rows[seen.present[rows, k]], k].reshape(-1, seen.tokens.shape[-1])
        if not len(own):
            raise InputError(f"no training case has the modality {seen.names[k]!r}: add images.")
        mean = own.mean(axis=0, dtype=np.float64)
        spread = (own - mean).T @ (own - mean) / len(own)
        values, vectors = np.linalg.eigh(spread)
        kept = vectors[:, ::-1][:, :COMPONENTS]
        scale = np.sqrt(max(float(values[::-1][:COMPONENTS].mean()), 1e-12))
        means.append(mean[None])
        directions.append(kept / scale)
    stacked = [torch.from_numpy(np.stack(each).astype(np.float32)) for each in (means, directions)]
    return Compression(*stacked)


def _untrained(recipe: Recipe, seen: Seen, number: int, seed: int) -> list[Fusion]:
    """So many fusions, each with first weights of its own."""
    size = {"modalities": len(seen.names), "channels": min(COMPONENTS, seen.tokens.shape[-1])}
    width = width_for(recipe.kind, **size, budget=recipe.budget)
    state = np.random.SeedSequence([as_seed(seed), 2, _other_seed()]).generate_state(1)
    with seeded(int(state[0])):
        return [build_fusion(recipe.kind, **size, width=width) for _ in range(number)]


def _other_seed() -> int:
    """0, or another number where other networks are asked for: see `make processors`."""
    return int(os.environ.get("MEDLIB_TRAINING_SEED") or 0)


def _stacked(
    seen: Seen, labels: Labels, training: list[Integers], seen_in: list[Compression]
) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens, presence and labels of each fit's training cases; shorter lists end in copies."""
    longest = max(map(len, training))
    rows = [np.resize(own, longest) for own in training]
    tokens = [
        each.apply(torch.from_numpy(seen.tokens[own]))
        for own, each in zip(rows, seen_in, strict=True)
    ]
    here = torch.from_numpy(np.stack([seen.present[own] for own in rows]))
    wanted = np.stack([labels[own] for own in rows]).astype(np.float32)
    return torch.stack(tokens), here, torch.from_numpy(wanted)


def _masked(present: Tensor, chance: float, draw: np.random.Generator) -> Tensor:
    """Hide modalities at random, but leave each case those it has if all would go."""
    if not chance:
        return present
    kept = present & torch.from_numpy(draw.random(tuple(present.shape)) >= chance)
    return torch.where(kept.any(dim=-1, keepdim=True), kept, present)


def _loss(module: Fusion) -> Callable[[dict[str, Tensor], Tensor, Tensor, Tensor], Tensor]:
    """The loss of a module as a function of its weights, which vmap can stack."""
    caller = _Loss(module)

    def loss(weights: dict[str, Tensor], tokens: Tensor, present: Tensor, y: Tensor) -> Tensor:
        named = {f"module.{name}": value for name, value in weights.items()}
        found: Tensor = functional_call(caller, named, (tokens, present, y))
        return found

    return loss


class _Loss(nn.Module):
    """Calls a module's loss, for functional_call knows `forward` only."""

    def __init__(self, module: Fusion) -> None:
        super().__init__()
        self.module = module

    def forward(self, tokens: Tensor, present: Tensor, y: Tensor) -> Tensor:
        return self.module.loss(tokens, present, y)


def _filled(module: Fusion, weights: Mapping[str, Tensor], k: int) -> Fusion:
    """The module with the k-th of the stacked weights."""
    module.load_state_dict({name: value[k].detach().clone() for name, value in weights.items()})
    return module.eval()
