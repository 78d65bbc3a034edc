"""What a method costs: multiply-accumulates, bytes, seconds, and what of a processor it uses.

`operations` counts what a network multiplies, `memory` what it keeps, `timing` measures processor
time, `methods` holds what chapter 13 times, `roofline` what a processor could do at most.
"""

from medlib.cost import memory, methods, operations, roofline, timing

__all__ = ["memory", "methods", "operations", "roofline", "timing"]
