"""Where a Chromium is, and how it is started."""

import os
import shutil
from pathlib import Path

import platformdirs
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


def packaged() -> Path:
    """The folder of the Chromium that `tests.browser.obtain` unpacks."""
    return platformdirs.user_cache_path("tracelm") / "chromium-153.0.0"


def launch(playwright: Playwright) -> Browser:
    """Start the Chromium that `TRACELM_CHROMIUM` names, else one of this machine, else one that was unpacked.

    Where there is none of them, playwright's own.

    Raises:
        NoBrowserError: There is none.
    """
    named = os.environ.get("TRACELM_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, _NAMES)), None)
    env: dict[str, str | float | bool] = {**os.environ}
    if found is None and packaged().is_dir():
        found = str(packaged() / "chromium")
        env |= {"LD_LIBRARY_PATH": str(packaged() / "lib"), "FONTCONFIG_FILE": str(packaged() / "fonts.conf")}
    try:
        return playwright.chromium.launch(executable_path=found, env=env, chromium_sandbox=False, args=_FLAGS)
    except Error as error:
        raise NoBrowserError(
            "no Chromium can be started: install one (`apt-get install chromium`, or `playwright install "
            f"chromium-headless-shell`), or name it in TRACELM_CHROMIUM\n{error}"
        ) from error
