"""The files that say how the project is installed agree with each other."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DECLARED = [
    Requirement(line) for lines in (PROJECT["dependencies"], *EXTRAS.values()) for line in lines
]
PYTHONS = ("3.11", "3.12", "3.13")


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(python):
    """Version of each package that the lock installs on Linux with this Python."""
    marker = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
    }
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    chosen = [r for r in wanted if r.marker is None or r.marker.evaluate(marker)]
    return {plain(r.name): str(r.specifier).removeprefix("==") for r in chosen}


def environment():
    return yaml.safe_load((ROOT / "environment.yml").read_text())


def conda_and_pip():
    listed = environment()["dependencies"]
    pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    return [entry for entry in listed if isinstance(entry, str)], pip


def test_conda_takes_the_same_pythons_as_the_package():
    conda, _ = conda_and_pip()
    (python,) = [entry for entry in conda if entry.startswith("python")]
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])


def test_conda_installs_the_package_with_all_its_extras_at_the_locked_versions():
    _, pip = conda_and_pip()
    assert environment()["name"] == PROJECT["name"]
    assert "-c requirements.lock" in pip
    assert f"-e .[{','.join(sorted(EXTRAS))}]" in pip
    assert len(pip) == 2  # whatever else stood here would not be in pyproject.toml


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_satisfies_what_the_package_declares(python):
    versions = locked(python)
    assert python + ".0" in SpecifierSet(PROJECT["requires-python"])
    wrong = [
        f"{need}: the lock has {versions.get(plain(need.name))}"
        for need in DECLARED
        if not need.specifier.contains(versions.get(plain(need.name), "0.0.dev0"))
    ]
    assert wrong == []


def test_the_lock_leaves_cuda_to_torch():
    """Named here, the several GB of CUDA would be installed beside a torch that has none."""
    assert not [name for name in locked("3.11") if re.match(r"(nvidia|cuda|triton)", name)]


def test_the_licence_and_version_are_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"] == "MIT"
    assert citation["authors"] == PROJECT["authors"]
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_make_says_how_each_thing_is_made():
    """A dry run names the commands; it fails where a rule or a prerequisite is missing."""
    targets = ("report", "test", "lab", "benchmark", "clean")
    dry = ["make", "--dry-run", "--always-make", "TORCH_INDEX=https://example.org/cpu", *targets]
    said = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "example.org/cpu" in said
    for command in ("medlib report", "--nbval notebooks", "pytest tests/book", "jupyter lab"):
        assert command in said
