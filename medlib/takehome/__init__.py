"""What a reader takes home from a chapter: predictions, figures, the model; and predicting with it.

`hand_over` writes them at the end of a chapter, `load_model` and `predict` use the model
elsewhere. Tensors are kept as safetensors and everything else as JSON: nothing is unpickled.
"""

from medlib.takehome.handing_over import VARIABLE, hand_over
from medlib.takehome.prediction import Prediction, predict
from medlib.takehome.stored_model import StoredModel, load_model, save_model

__all__ = [
    "VARIABLE",
    "Prediction",
    "StoredModel",
    "hand_over",
    "load_model",
    "predict",
    "save_model",
]
