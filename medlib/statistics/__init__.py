"""Intervals and tests that hold for a small study: one function, one question, one sentence."""
