"""Four ways to make one answer of several modalities, behind one interface.

Input: tokens (n x modalities x places x channels) and `present` (n x modalities, bool). Output: one
number a case, the log-odds of the positive class. A modality that is absent is left out of sums,
means and softmaxes; its tokens are never read, so it makes no difference what stands there.

- early: tokens of one place are added up after a layer of their own and go on together, so that
  what lies in the same place in two modalities can be combined, if it does lie in the same place;
- late: a network a modality, and the mean of their log-odds;
- gated: a summary a modality, mixed by gates that the summaries set (Arevalo et al.,
  arXiv:1702.01992);
- attention: each modality's summary asks all places of the *other* modalities and takes up what it
  attends to (cross-attention; Vaswani et al., arXiv:1706.03762, with one head).

With one modality, early, late and gated are a plain network of it; attention asks its own places.
"""

from typing import Final

import torch
from torch import Tensor, nn

from medlib.errors import InputError

KINDS: Final = ("early", "late", "gated", "attention")
"""The ways to fuse."""
WIDEST: Final = 128


class Fusion(nn.Module):
    """What the four ways have in common: a layer a modality, a summary of places, a head."""

    def __init__(self, modalities: int, channels: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.encode = nn.Parameter(torch.randn(modalities, channels, width) / channels**0.5)
        self.offset = nn.Parameter(torch.zeros(modalities, 1, width))

    def encoded(self, tokens: Tensor, present: Tensor) -> Tensor:
        """N x modalities x places x width, before any bend; what is absent is not read."""
        read = torch.where(present[:, :, None, None], tokens, torch.zeros_like(tokens))
        return torch.einsum("nmpc,mcw->nmpw", read, self.encode) + self.offset

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Log-odds of the positive class, n."""
        raise NotImplementedError

    def loss(self, tokens: Tensor, present: Tensor, labels: Tensor) -> Tensor:
        """Mean binary cross-entropy in nats; labels are 0.0 or 1.0."""
        return nn.functional.binary_cross_entropy_with_logits(self(tokens, present), labels)

    def attended(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Where it looks: n x modalities x places, adding up to 1 a case."""
        raise InputError(f"{type(self).__name__} has no attention; build 'attention'")


class Early(Fusion):
    """Co-located tokens are added up before the first bend."""

    def __init__(self, modalities: int, channels: int, width: int) -> None:
        super().__init__(modalities, channels, width)
        self.head = head(2 * width, width)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Log-odds, n."""
        joined = mean_of(self.encoded(tokens, present), present[:, :, None, None])
        return answer(self.head, summary(nn.functional.gelu(joined)))


class Late(Fusion):
    """A network a modality, trained by itself; the mean of their log-odds."""

    def __init__(self, modalities: int, channels: int, width: int) -> None:
        super().__init__(modalities, channels, width)
        self.heads = nn.ModuleList(head(2 * width, width) for _ in range(modalities))

    def each(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Log-odds of each modality's own network: n x modalities."""
        seen = summary(nn.functional.gelu(self.encoded(tokens, present)))
        said = [answer(one, seen[:, k]) for k, one in enumerate(self.heads)]
        return torch.stack(said, dim=1)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Log-odds, n."""
        return mean_of(self.each(tokens, present), present)

    def loss(self, tokens: Tensor, present: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of each network by itself: none sees what another answers."""
        said = self.each(tokens, present)
        wanted = labels[:, None].expand_as(said)
        each = nn.functional.binary_cross_entropy_with_logits(said, wanted, reduction="none")
        return (each * present).sum() / present.sum().clamp(min=1)


class Gated(Fusion):
    """Summaries mixed number by number, by gates that all summaries set."""

    def __init__(self, modalities: int, channels: int, width: int) -> None:
        super().__init__(modalities, channels, width)
        self.gate = nn.Parameter(torch.randn(modalities, 2 * width, 2 * width) / (2 * width) ** 0.5)
        self.head = head(2 * width, width)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Log-odds, n."""
        seen = summary(
            nn.functional.gelu(self.encoded(tokens, present))
        )  # n x modalities x 2 width
        asked = torch.einsum("nmw,mwv->nmv", seen, self.gate)
        gates = softmax_of(asked, present[:, :, None], dim=1)
        return answer(self.head, (gates * seen).sum(dim=1))


class Attention(Fusion):
    """Each modality's summary attends to the places of the others."""

    def __init__(self, modalities: int, channels: int, width: int) -> None:
        super().__init__(modalities, channels, width)
        self.query = nn.Parameter(torch.randn(modalities, 2 * width, width) / (2 * width) ** 0.5)
        self.key = nn.Parameter(torch.randn(width, width) / width**0.5)
        self.head = head(3 * width, width)

    def weights(self, encoded: Tensor, present: Tensor) -> Tensor:
        """Softmax over places of the others: n x asking modality x modality x place."""
        n, modalities, places, _ = encoded.shape
        asked = torch.einsum("nmw,mwv->nmv", summary(encoded), self.query)
        fits = torch.einsum("nqv,nmpv->nqmp", asked, encoded @ self.key) / self.width**0.5
        own = torch.eye(modalities, dtype=torch.bool, device=encoded.device)
        alone = present.sum(dim=1, keepdim=True) < 2  # nobody else to ask
        may = present[:, None, :] & (~own[None] | alone[:, :, None])
        may = may[..., None].expand(n, modalities, modalities, places)
        return softmax_of(fits.flatten(2), may.flatten(2), dim=2).view(fits.shape)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Log-odds, n."""
        encoded = nn.functional.gelu(self.encoded(tokens, present))
        weights = self.weights(encoded, present)
        taken = torch.einsum("nqmp,nmpw->nqw", weights, encoded)
        seen = torch.cat([summary(encoded), taken], dim=2)
        return answer(self.head, mean_of(seen, present[:, :, None]))

    def attended(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Weights on each place, mean over the modalities that ask: n x modalities x places."""
        weights = self.weights(nn.functional.gelu(self.encoded(tokens, present)), present)
        return mean_of(weights, present[:, :, None, None])


_CLASSES: Final[dict[str, type[Fusion]]] = {
    "early": Early,
    "late": Late,
    "gated": Gated,
    "attention": Attention,
}


def build_fusion(kind: str, *, modalities: int, channels: int, width: int) -> Fusion:
    """Return a fusion by name, with random weights from torch's generator."""
    if kind not in KINDS:
        raise InputError(f"There is no fusion {kind!r}; choose one of {', '.join(KINDS)}.")
    return _CLASSES[kind](modalities, channels, width)


def parameters(kind: str, *, modalities: int, channels: int, width: int) -> int:
    """Return how many weights such a fusion has."""
    with torch.device("meta"):
        module = build_fusion(kind, modalities=modalities, channels=channels, width=width)
    return sum(each.numel() for each in module.parameters())


def width_for(kind: str, *, modalities: int, channels: int, budget: int) -> int:
    """Return the width whose number of weights is nearest to `budget`: so networks are matched."""
    sizes = [
        abs(parameters(kind, modalities=modalities, channels=channels, width=width) - budget)
        for width in range(1, WIDEST + 1)
    ]
    return 1 + sizes.index(min(sizes))


def head(inside: int, width: int) -> nn.Sequential:
    """A hidden layer and one output."""
    return nn.Sequential(nn.Linear(inside, width), nn.GELU(), nn.Linear(width, 1))


def answer(last: nn.Module, seen: Tensor) -> Tensor:
    """One number a case."""
    said: Tensor = last(seen)
    return said[..., 0]


def summary(places: Tensor) -> Tensor:
    """Mean and greatest value over places (the last axis but one), side by side."""
    return torch.cat([places.mean(dim=-2), places.amax(dim=-2)], dim=-1)


def mean_of(values: Tensor, present: Tensor) -> Tensor:
    """Mean over modalities (axis 1) of those present; what is absent is not read."""
    kept = torch.where(present, values, torch.zeros_like(values))
    return kept.sum(dim=1) / present.sum(dim=1).clamp(min=1)


def softmax_of(values: Tensor, present: Tensor, *, dim: int) -> Tensor:
    """Softmax over what is present; 0 elsewhere."""
    masked = torch.where(present, values, torch.full_like(values, -1e9))
    return torch.where(present, masked.softmax(dim=dim), torch.zeros_like(values))
