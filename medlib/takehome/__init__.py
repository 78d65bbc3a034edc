"""What a reader takes home from a chapter: predictions, figures, the model; and predicting with it.

`handing_over.hand_over` writes them at the end of a chapter; `stored_model.load_model` and
`prediction.predict` use the model elsewhere. Tensors are kept as safetensors and everything else as
JSON: nothing is unpickled.
"""
