"""Simulated patients have the same bytes on every processor: content hashes, kept and compared."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from medlib.errors import NotebookError
from medlib.processors.profiles import Profile
from medlib.runtime.paths import project_root, write_whole

COHORTS: Final[dict[str, tuple[int, int]]] = {
    "phantom-chest-ct": (25, 0),
    "phantom-chest-ct?stratum=hard": (25, 0),
    "phantom-chest-ct?task=slice": (10, 0),
    "phantom-chest-ct?task=slice&stratum=hard": (10, 0),
    "phantom-chest-ct?task=volume": (2, 0),
    "phantom-chest-ct?task=crop&matrix=128": (5, 1),
    "phantom-chest-ct?sites=eight": (8, 0),
    "phantom-chest-ct?sites=same": (8, 0),
    "phantom-chest-ct?task=volume&stratum=nodules&slices=12&matrix=96": (2, 0),
    "phantom-abdomen": (8, 0),
    "phantom-abdomen?task=slice&sequence=flair": (2, 1),
    "phantom-mammography": (8, 0),
    "phantom-mammography?task=view&density=D": (2, 1),
    "phantom-kidney": (4, 0),
    "phantom-kidney?task=slice&slices=1": (1, 1),
    "phantom-fundus": (20, 0),
    "phantom-head-mri": (6, 0),
    "phantom-head-mri?side=32": (1, 1),
}
"""Patients a class and seed of the cohorts whose hashes are kept: every task and stratum."""
_HASH: Final = """
import sys, json
from medlib.cohorts import load
asked = json.loads(sys.argv[1]).items()
made = [load(name, per_class=n, seed=seed, several=True) for name, (n, seed) in asked]
print(json.dumps([cohort.content_hash for cohort in made]))
"""


def manifest(cohort: str, root: Path | None = None) -> Path:
    """Where the hashes of a built-in cohort are kept, whatever its options."""
    return (root or project_root()) / "data" / cohort.partition("?")[0] / "manifest.json"


def known_hashes() -> dict[str, str]:
    """Content hash of each cohort, as kept."""
    hashes: dict[str, str] = {}
    for path in sorted({manifest(cohort) for cohort in COHORTS}):
        hashes |= json.loads(path.read_text(encoding="utf-8"))["content_hash"]
    return hashes


def hashes(profile: Profile, cohorts: Mapping[str, tuple[int, int]] = COHORTS) -> dict[str, str]:
    """Content hash of each cohort, simulated anew in a fresh process of this profile."""
    with TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-c", _HASH, json.dumps(cohorts)],
            env={**profile.environment(), "MEDLIB_CACHE": cache},
            cwd=project_root(),
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
    if done.returncode:
        raise NotebookError(f"patients under '{profile.name}': {done.stderr.strip()[-2000:]}")
    return dict(zip(cohorts, json.loads(done.stdout), strict=True))


def differences(profiles: Iterable[Profile], *, say: Callable[[str], None]) -> list[str]:
    """One sentence for each cohort that has another hash under a profile than the one kept."""
    kept, faults = known_hashes(), []
    for profile in profiles:
        found = hashes(profile)
        wrong = [name for name in COHORTS if found[name] != kept.get(name)]
        say(f"patients under {profile.name}: {len(found) - len(wrong)} of {len(found)} cohorts "
            "have the bytes on record")  # fmt: skip
        faults += [f"{name} has other bytes under '{profile.name}'" for name in wrong]
    return faults


def write(profile: Profile) -> list[Path]:
    """Keep the hashes of today, for when the simulation was changed on purpose."""
    found = hashes(profile)
    paths = sorted({manifest(cohort) for cohort in COHORTS})
    for path in paths:
        own = {name: value for name, value in found.items() if manifest(name) == path}
        write_whole(path, json.dumps({"content_hash": own}, indent=1) + "\n")
    return paths
