"""Where a Chromium is, and how it is started."""

import os
import shutil

from playwright.sync_api import Browser, Error, Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class NoBrowserError(Exception):
    """No Chromium can be started here."""


def launch(playwright: Playwright) -> Browser:
    """Start the Chromium that `TRACELM_CHROMIUM` names, else one of this machine, else playwright's own.

    Raises:
        NoBrowserError: There is none.
    """
    named = os.environ.get("TRACELM_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, _NAMES)), None)
    try:
        return playwright.chromium.launch(executable_path=found, chromium_sandbox=False, args=_FLAGS)
    except Error as error:
        raise NoBrowserError(
            "no Chromium can be started: install one (`apt-get install chromium`, or `playwright install "
            f"chromium-headless-shell`), or name it in TRACELM_CHROMIUM\n{error}"
        ) from error
