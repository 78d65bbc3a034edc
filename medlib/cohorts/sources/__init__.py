"""Loaders: what a reader has on disk becomes a `Cohort`, each file examined first."""
