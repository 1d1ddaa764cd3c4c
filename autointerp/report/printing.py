"""A page on paper: chromium turns the HTML of a report into a PDF, without a network."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from autointerp.core.errors import EnvironmentProblem

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync", "--no-pdf-header-footer",
)  # fmt: skip
LIMIT_S = 120


def pdf_of(html: str) -> bytes:
    """Return the page as a PDF.

    Raises:
        EnvironmentProblem: There is no browser, or it gave no PDF; the message says what to install.
    """
    with tempfile.TemporaryDirectory() as folder:
        page, printed = Path(folder, "report.html"), Path(folder, "report.pdf")
        page.write_text(html, "utf-8")
        profile = f"--user-data-dir={Path(folder, 'profile')}"
        command = [find_browser(), *QUIET, profile, f"--print-to-pdf={printed}", page.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired as error:
            msg = f"{command[0]} made no PDF within {LIMIT_S} s; print report.html from a browser instead"
            raise EnvironmentProblem(msg) from error
        if not printed.exists():
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            msg = f"{command[0]} made no PDF ({' '.join(said)}); print report.html from a browser instead"
            raise EnvironmentProblem(msg)
        return printed.read_bytes()


def find_browser(path: str | None = None) -> str:
    """Return the browser found on *path*, by default that of the environment. Raises EnvironmentProblem."""
    found = next((found for name in BROWSERS if (found := shutil.which(name, path=path))), None)
    if found is None:
        msg = "a PDF needs chromium, and there is none: apt-get install chromium, or print report.html from a browser"
        raise EnvironmentProblem(msg)
    return found
