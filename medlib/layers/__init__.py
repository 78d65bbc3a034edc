"""What layers do to an image, taken apart: kernels, activations, fields of view, shifts."""
