"""A plain PyTorch loop: Dataset, DataLoader, torchvision's transforms, fp32, default threads."""

import numpy as np
import timm
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

AUGMENT = v2.Compose(
    [
        v2.RandomAffine(
            degrees=10,
            translate=(0.06, 0.06),
            scale=(0.9, 1.1),
            interpolation=v2.InterpolationMode.BILINEAR,
        ),
        v2.Lambda(lambda x: x * float(torch.empty(1).uniform_(0.9, 1.1))),
        v2.Lambda(lambda x: x + float(torch.empty(1).uniform_(-0.1, 0.1))),
    ]
)


class Cases(Dataset):
    """Normalised images with their labels."""

    def __init__(self, images, labels, mean, sd, transform=None):
        self.images = torch.from_numpy((images - mean) / sd)[:, None]
        self.labels = torch.from_numpy(labels)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        return (self.transform(image) if self.transform else image), self.labels[i]


def loaders(train, test, settings):
    """Return the training and the test DataLoader of one fold."""
    mean, sd = train[0].mean(), train[0].std()
    training = Cases(*train, mean, sd, AUGMENT)
    testing = Cases(*test, mean, sd)
    return (
        DataLoader(training, batch_size=settings.batch_size, shuffle=True),
        DataLoader(testing, batch_size=len(testing)),
    )


def network():
    """Return the network all tools train."""
    return timm.create_model("resnet50", num_classes=2, in_chans=1)


def train_epoch(model, loader, optimizer, schedule):
    """Train one epoch; return mean loss and accuracy over it."""
    model.train()
    loss_sum = right = cases = 0
    for images, labels in loader:
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        loss_sum += loss.item() * len(labels)
        right += (logits.argmax(1) == labels).sum().item()
        cases += len(labels)
    return loss_sum / cases, right / cases


@torch.no_grad()
def evaluate(model, loader):
    """Return mean loss, accuracy and probabilities of class 1 on a test fold."""
    model.eval()
    images, labels = next(iter(loader))
    logits = model(images)
    accuracy = (logits.argmax(1) == labels).float().mean().item()
    return F.cross_entropy(logits, labels).item(), accuracy, logits.softmax(1)[:, 1].numpy()


def run(task):
    """Return the probability of class 1 of each case."""
    settings = task.settings
    scores = np.empty(len(task.labels))
    for number, (train, test, mask) in enumerate(task.splits()):
        torch.manual_seed(settings.seed + number)
        training, testing = loaders(train, test, settings)
        model = network()
        optimizer = torch.optim.AdamW(model.parameters(), weight_decay=settings.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, settings.learning_rate, epochs=settings.epochs, steps_per_epoch=len(training)
        )
        history = []
        for _ in range(settings.epochs):
            trained = train_epoch(model, training, optimizer, schedule)
            *tested, fold_scores = evaluate(model, testing)
            history.append((*trained, *tested))
        scores[mask] = fold_scores
    return scores
