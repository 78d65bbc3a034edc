"""Where all tools must be there (CI), a skipped test is a failed one."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SKIPS = "import pytest\ndef test_tool():\n    pytest.skip('no such tool')\n"
SKIPS_ON_IMPORT = "import pytest\npytest.importorskip('no_such_package')\n"


@pytest.fixture
def run(pytester, monkeypatch):
    pytester.makeconftest((ROOT / "conftest.py").read_text().replace("pytest_plugins", "_plugins"))

    def run(source, no_skips):
        monkeypatch.setenv("MEDLIB_NO_SKIPS", no_skips)
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # seconds each, not needed
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider")

    return run


def test_a_skip_is_a_skip_on_a_readers_machine(run):
    assert run(SKIPS, "0").parseoutcomes() == {"skipped": 1}


def test_a_skip_is_a_failure_in_ci(run):
    result = run(SKIPS, "1")
    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1}
    assert "no such tool" in result.stdout.str()


def test_a_module_that_skips_itself_is_an_error_in_ci(run):
    assert run(SKIPS_ON_IMPORT, "0").ret != 1
    result = run(SKIPS_ON_IMPORT, "1")
    assert result.ret not in (0, 5)
    assert "no_such_package" in result.stdout.str()
