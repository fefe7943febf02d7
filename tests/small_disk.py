"""A file system of a few megabytes for one program, where the kernel lets an ordinary user have one."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path


def on_a_disk_of(size: str, place: Path) -> list[str]:
    """Return what a command is put behind, so that it runs with a file system of `size` mounted at `place`."""
    mount = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh", size, str(place)]


@functools.cache
def can_be_made() -> bool:
    """Say whether this machine allows it."""
    if shutil.which("unshare") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        command = [*on_a_disk_of("1m", Path(folder)), "true"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
