"""results.json holds the rows of every comparison; each replaces its own, not the others'."""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"


def merge(comparison, rows, path=RESULTS):
    """Put the rows of a comparison in the place of its earlier ones; return all rows."""
    earlier = json.loads(path.read_text("utf-8")) if path.exists() else []
    named = [{"comparison": "training", **row} for row in earlier]
    own = [{"comparison": comparison, **row} for row in rows]
    kept = [row for row in named if row["comparison"] != comparison]
    merged = sorted(kept + own, key=lambda row: row["comparison"] != "training")
    path.write_text(json.dumps(merged, indent=2) + "\n", "utf-8")
    return merged
