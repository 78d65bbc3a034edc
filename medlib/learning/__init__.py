"""Learners, and cross-validation that fits everything inside the fold."""
