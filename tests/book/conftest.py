"""One build of the book for all tests of it, served on this machine, and one browser."""

import functools
import http.server
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from playwright.sync_api import Error, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book/_ext"))  # the extensions, as Sphinx finds them
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# no sandbox: containers of CI run as root; the rest keeps the browser itself off the network
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the book, built anew with every warning an error."""
    output = tmp_path_factory.mktemp("book")
    command = [
        str(Path(sys.executable).with_name("jupyter-book")),
        *("build", ".", "-W", "-n", "-q", "--keep-going", "--path-output", str(output)),
        *("--config", "book/_config.yml", "--toc", "book/_toc.yml"),
    ]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, f"the book does not build:\n{built.stderr}\n{built.stdout}"
    return output / "_build/html"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def address(site):
    """Where the book is served: `http://127.0.0.1:PORT/`."""
    handler = functools.partial(Quiet, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium: the system's, or playwright's own where it was installed."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        except Error as error:
            pytest.skip(f"no Chromium: install it, or run `playwright install chromium` ({error})")
        yield chromium
        chromium.close()


def watch(page, address):
    """Make a page remember what goes wrong on it, in `page.faults`."""
    page.faults = []
    fault = page.faults.append
    page.on(
        "console",
        lambda said: fault(f"console: {said.text}") if said.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: fault(f"script: {error}"))
    page.on("requestfailed", lambda request: fault(f"failed: {request.url}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((address, "data:", "blob:", "file:"))
            else fault(f"leaves this machine: {request.url}")
        ),
    )
    page.on(
        "response",
        lambda answer: fault(f"{answer.status}: {answer.url}") if answer.status >= 400 else None,
    )
    return page


@pytest.fixture(scope="session")
def reader(browser):
    """A reader who keeps what was loaded, and sees no movement."""
    context = browser.new_context(reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(reader, address):
    """An empty tab."""
    page = watch(reader.new_page(), address)
    yield page
    page.close()


@pytest.fixture(scope="module")
def visit(request, reader, address):
    """One page of the book, opened once for all tests of it; its name is the parameter."""
    page = watch(reader.new_page(), address)
    page.goto(f"{address}{request.param}.html", wait_until="load")
    page.evaluate("() => window.MathJax?.startup?.promise")
    page.wait_for_load_state("networkidle")
    yield page
    page.close()
