"""PyTorch Lightning: a LightningModule, its Trainer, the plain loop's DataLoaders."""

import logging
import warnings

import lightning
import numpy as np
import torch
from torch.nn import functional as F

from benchmarks.plain_pytorch import loaders, network


class Classifier(lightning.LightningModule):
    """The network with its losses, metrics and optimiser."""

    def __init__(self, settings, steps):
        super().__init__()
        self.model, self.settings, self.steps = network(), settings, steps

    def _shared(self, batch, name):
        images, labels = batch
        logits = self.model(images)
        loss = F.cross_entropy(logits, labels)
        accuracy = (logits.argmax(1) == labels).float().mean()
        values = {f"{name}_loss": loss, f"{name}_accuracy": accuracy}
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss

    def training_step(self, batch, _):
        return self._shared(batch, "train")

    def validation_step(self, batch, _):
        self._shared(batch, "test")

    def predict_step(self, batch, _):
        return self.model(batch[0]).softmax(1)[:, 1]

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(
            self.model.parameters(), weight_decay=self.settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.settings.learning_rate, total_steps=self.steps
        )
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


def run(task):
    """Return the probability of class 1 of each case."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    settings = task.settings
    scores = np.empty(len(task.labels))
    for number, (train, test, mask) in enumerate(task.splits()):
        lightning.seed_everything(settings.seed + number, verbose=False)
        training, testing = loaders(train, test, settings)
        trainer = lightning.Trainer(
            max_epochs=settings.epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            log_every_n_steps=1,
        )
        model = Classifier(settings, settings.epochs * len(training))
        trainer.fit(model, training, testing)
        scores[mask] = torch.cat(trainer.predict(model, testing)).numpy()
    return scores
