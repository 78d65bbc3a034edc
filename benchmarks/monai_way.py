"""MONAI's way: dictionary transforms, CacheDataset, MONAI's DataLoader, the same timm network."""

import numpy as np
import torch
from monai.data import CacheDataset, DataLoader
from monai.transforms import (
    Compose,
    EnsureTyped,
    NormalizeIntensityd,
    RandAffined,
    RandScaleIntensityd,
    RandShiftIntensityd,
)
from monai.utils import set_determinism

from benchmarks.plain_pytorch import network


def transforms(mean, sd, size, augment):
    """Return deterministic steps, which are cached, and random ones, which are not."""
    steps = [
        EnsureTyped(keys="image", track_meta=False),
        NormalizeIntensityd(keys="image", subtrahend=mean, divisor=sd),
    ]
    if augment:
        steps += [
            RandAffined(
                keys="image",
                prob=1.0,
                rotate_range=np.deg2rad(10),
                translate_range=0.06 * size,
                scale_range=0.1,
                padding_mode="border",
            ),
            RandScaleIntensityd(keys="image", factors=0.1, prob=1.0),
            RandShiftIntensityd(keys="image", offsets=0.1, prob=1.0),
        ]
    return Compose(steps)


def dataset(images, labels, transform):
    """Return the cases as a dataset with everything deterministic in memory."""
    data = [{"image": x[None], "label": int(y)} for x, y in zip(images, labels, strict=True)]
    return CacheDataset(data, transform, progress=False)


def train_epoch(model, loader, loss_function, optimizer, schedule):
    """Train one epoch; return mean loss and accuracy over it."""
    model.train()
    loss_sum = right = cases = 0
    for batch in loader:
        images, labels = batch["image"], batch["label"]
        optimizer.zero_grad()
        logits = model(images)
        loss = loss_function(logits, labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        loss_sum += loss.item() * len(labels)
        right += (logits.argmax(1) == labels).sum().item()
        cases += len(labels)
    return loss_sum / cases, right / cases


def fit(train, test, settings):
    """Train one fold; return probabilities of class 1 of its test cases."""
    mean, sd = train[0].mean(), train[0].std()
    training = dataset(*train, transforms(mean, sd, settings.size, augment=True))
    testing = dataset(*test, transforms(mean, sd, settings.size, augment=False))
    loader = DataLoader(training, batch_size=settings.batch_size, shuffle=True)
    test_loader = DataLoader(testing, batch_size=len(testing))
    model, loss_function = network(), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, epochs=settings.epochs, steps_per_epoch=len(loader)
    )
    history = []
    for _ in range(settings.epochs):
        row = train_epoch(model, loader, loss_function, optimizer, schedule)
        model.eval()
        with torch.no_grad():
            for batch in test_loader:
                logits = model(batch["image"])
                loss = loss_function(logits, batch["label"]).item()
                right = (logits.argmax(1) == batch["label"]).float().mean().item()
        history.append((*row, loss, right))
    return logits.softmax(1)[:, 1].numpy()


def run(task):
    """Return the probability of class 1 of each case."""
    scores = np.empty(len(task.labels))
    for number, (train, test, mask) in enumerate(task.splits()):
        set_determinism(task.settings.seed + number)
        scores[mask] = fit(train, test, task.settings)
    return scores
