"""A study of classification from its cases to its numbers, for two classes and for more."""
