"""What a run was made of: enough to say why two runs differ."""

import functools
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson


@functools.cache
def installed() -> Mapping[str, str]:
    """Return the version of each installed package, by name, read from the names of their folders."""
    found: dict[str, str] = {}
    for folder in map(Path, sys.path):
        try:
            names = [each.name for each in folder.glob("*.dist-info")] if folder.is_dir() else []
        except OSError:
            continue
        for name in names:
            package, _, version = name.removesuffix(".dist-info").partition("-")
            found.setdefault(package.lower().replace("_", "-"), version)
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a run was made of.

    Attributes:
        dataset: The dataset's name.
        dataset_digest: The SHA-256 of its content, 64 hex digits.
        dataset_version: `v0`, `v1`, ... where it was published.
        rows: How many rows it has.
        trials: How often each row is run.
        task: The name of what was evaluated.
        task_version: The version of its code, 12 hex digits.
        task_parameters: The columns that it takes.
        model: The version of a model that was evaluated, as `ModelVersion.reference` tells it; empty if none was named.
        scorers: The version of each scorer, by name.
        settings: Concurrency and limits, where they differ from the defaults; the command, where it was one.
        git_commit: The commit that was checked out in the working folder, 40 hex digits; `None` outside of git.
        git_dirty: Whether files differed from it.
        python: The interpreter's version.
        platform: The operating system and machine.
        packages: The version of each installed package, by name.
    """

    dataset: str
    dataset_digest: str
    dataset_version: str | None = None
    rows: int
    trials: int
    task: str
    task_version: str
    task_parameters: list[str] = field(default_factory=list[str])
    model: Mapping[str, Any] = field(default_factory=dict[str, Any])
    scorers: Mapping[str, str] = field(default_factory=dict[str, str])
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    git_commit: str | None = None
    git_dirty: bool | None = None
    python: str = platform.python_version()
    platform: str = f"{platform.system()} {platform.machine()}"
    packages: Mapping[str, str] = field(default_factory=installed)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    def as_json(self) -> str:
        """Return it as one JSON document."""
        return orjson.dumps(self.as_dict(), default=str).decode()

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "Provenance | None":
        """Read what `as_dict` gave; `None` where it is not whole."""
        known = {name: found[name] for name in cls.__dataclass_fields__ if name in found}
        try:
            return cls(**known)
        except TypeError:
            return None

    def changes(self, other: "Provenance") -> list[str]:
        """Say in what `other` differs so that results must not be mixed: dataset, trials, task, scorers."""
        found: list[str] = []
        if self.dataset_digest != other.dataset_digest:
            found.append(
                f"the dataset {other.dataset!r} ({self.dataset_digest[:12]} then, {other.dataset_digest[:12]} now)"
            )
        if self.trials != other.trials:
            found.append(f"the number of trials ({self.trials} then, {other.trials} now)")
        if self.task_version != other.task_version:
            found.append(f"the task ({self.task} {self.task_version} then, {other.task} {other.task_version} now)")
        if self.model.get("digest") != other.model.get("digest"):
            then, now = (f"{each.get('name', 'none')} {each.get('version', '')}" for each in (self.model, other.model))
            found.append(f"the model ({then.strip()} then, {now.strip()} now)")
        for name in dict.fromkeys((*self.scorers, *other.scorers)):
            then, now = self.scorers.get(name, "none"), other.scorers.get(name, "none")
            if then != now:
                found.append(f"the scorer {name!r} ({then} then, {now} now)")
        return found


def git_state() -> tuple[str | None, bool | None]:
    """Return the commit of the working folder and whether files differ from it, as when this process first asked."""
    return _git_state(Path.cwd())


@functools.cache
def _git_state(folder: Path) -> tuple[str | None, bool | None]:
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None, None
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return commit, None if changed is None else bool(changed)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],  # noqa: S607 - the user's own git
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
