"""Deep learning for medical images: the small package behind an executable course."""

__version__ = "0.1.0"
