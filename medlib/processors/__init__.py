"""The same work on other processors: imitated here, run, compared, and turned into tolerances.

`profiles` says how another processor is imitated, `runs` executes chapters under each profile,
`spread` says how far numbers moved and what tolerance follows.
"""
