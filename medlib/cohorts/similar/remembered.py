"""Pairs of copies found before, kept in the cache: a run looks at the same images several times."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from medlib import imaging
from medlib.runtime import progress
from medlib.runtime.paths import cache_home, write_whole
from medlib.types import Images

Pairs = list[tuple[int, int, str, float]]
MANY: Final = 300
"""Images from which looking again takes longer than reading a file."""


def remembered(stack: Images, find: Callable[[Images], Pairs]) -> Pairs:
    """Return what `find` gives for these thumbnails; of many of them, from the cache if it can be.

    The key is a hash of the thumbnails and of the code that compares them. A damaged entry is made
    again.
    """
    if len(stack) < MANY:
        return find(stack)
    stored = cache_home() / "copies" / f"{_key(stack)}.json"
    if (pairs := _read(stored)) is None:
        pairs = find(stack)
        with suppress(OSError):  # a cache that is only to be read is as good
            stored.parent.mkdir(parents=True, exist_ok=True)
            write_whole(stored, json.dumps(pairs))
    return pairs


def _read(stored: Path) -> Pairs | None:
    """What was found before; None where nothing was, or its file is damaged, which is told."""
    if not stored.exists():
        return None
    try:
        found = json.loads(stored.read_text("utf-8"))
        return [(int(i), int(j), str(kind), float(c)) for i, j, kind, c in found]
    except (OSError, ValueError, TypeError) as error:
        progress.tell(f"{stored} is damaged ({type(error).__name__}): copies are looked for again")
        return None


def _key(stack: Images) -> str:
    digest = hashlib.sha256(f"{stack.shape} {stack.dtype}".encode())
    digest.update(stack.tobytes())
    for path in [*sorted(Path(__file__).parent.glob("*.py")), Path(imaging.__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()
