"""R, asked for a reference value."""

import shutil
import subprocess

import numpy as np
import pytest


def ask_r(code: str) -> np.ndarray:
    """Return the numbers that R's expression gives, to 17 digits."""
    program = shutil.which("Rscript")
    if program is None:
        pytest.fail("Rscript is not installed; these tests need R (apt-get install r-base-core).")
    script = f"cat(format(as.numeric({code}), digits = 17, scientific = TRUE))"
    command = [program, "--vanilla", "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return np.array([float(word) for word in done.stdout.split()])


def r_vector(values) -> str:
    return "c(" + ",".join(repr(float(v)) for v in values) + ")"
