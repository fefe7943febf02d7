"""`ModelVersion`: a model that was trained, as a stored object that leads back to its training."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from tracelm.errors import ConfigError
from tracelm.frozen import frozen
from tracelm.store import objects
from tracelm.store.open import open_store

if TYPE_CHECKING:
    from tracelm.store.objects import ObjectVersion
    from tracelm.store.store import Store

KIND: Final = "model"
_PIECE_BYTES: Final = 1_000_000
_NOT_THE_MODEL: Final = ("checkpoint-", "runs/", "trainer_state.json")
"""What a trainer leaves beside a model."""


@frozen
class ModelVersion:
    """A version of a model that was trained.

    Attributes:
        name: What the model is called.
        version: `v0`, `v1`, ...
        digest: SHA-256 of what is known of it, 64 hex digits.
        about: `files` (the SHA-256 of each), `base` (the model that training began with), `training` (its `id`,
            `project`, `trace_id` and `span_id`), `dataset` (`name`, `digest`, `version`) and `metrics`, as far as they
            are known.
        aliases: The names that point here.
    """

    name: str
    version: str
    digest: str
    about: Mapping[str, Any] = field(default_factory=dict[str, Any])
    aliases: tuple[str, ...] = ()

    @classmethod
    def load(cls, name: str, *, version: str | None = None, url: str | None = None) -> "ModelVersion":
        """Read what was published.

        Args:
            name: What the model is called.
            version: `v0`, `v1`, ..., or an alias; left out, the newest.
            url: The store, as for `tracelm.open_store`.

        Raises:
            StoreError: There is none of this name or version; the message says what there is.
        """
        with open_store(url) as store, store.reading() as connection:
            found, content = objects.load(connection, KIND, name, version=version)
        return _made(found, content)

    def reference(self) -> dict[str, Any]:
        """Return what a run keeps of it: enough to walk back to the training."""
        told = {key: self.about[key] for key in ("base", "dataset", "training") if self.about.get(key)}
        return {"name": self.name, "version": self.version, "digest": self.digest, **told}


def publish_model(
    name: str,
    folder: str | Path | None,
    *,
    about: Mapping[str, Any],
    aliases: Sequence[str] = (),
    note: str | None = None,
    url: str | None = None,
) -> ModelVersion:
    """Write a version of a model into the store: what it consists of and where it comes from, not the weights.

    Args:
        name: What the model is called.
        folder: Where it was saved; its files are told by their digests. `None`: it lies elsewhere.
        about: What else is known of it.
        aliases: Names that point at this version from now on.
        note: What there is to say about it.
        url: The store, as for `tracelm.open_store`.

    Raises:
        ConfigError: There is no file in the folder.
        StoreError: The store cannot be written, or an alias reads like a version.
    """
    files = {} if folder is None else _digests(Path(folder))
    content = orjson.dumps({**about, "files": files}, option=orjson.OPT_SORT_KEYS)
    with open_store(url) as store, store.writing() as connection:
        digest = hashlib.sha256(content).hexdigest()
        made = objects.publish(connection, KIND, name, digest=digest, content=content, note=note)
        for alias in aliases:
            objects.set_alias(connection, KIND, name, alias, version=made.version)
        found, content = objects.load(connection, KIND, name, version=made.version)
    return _made(found, content)


def models_of_dataset(store: "Store", dataset: str) -> list[ModelVersion]:
    """Return the versions of models that were trained on a dataset, of any of its versions, the newest first.

    Args:
        store: Where to look.
        dataset: The dataset's name.
    """
    found: list[tuple[int, ModelVersion]] = []
    with store.reading() as connection:
        for name in objects.names(connection, KIND):
            for each in objects.versions(connection, KIND, name):
                version, content = objects.load(connection, KIND, name, version=each.version)
                model = _made(version, content)
                trained_on: Any = model.about.get("dataset")
                if isinstance(trained_on, dict) and cast("dict[str, object]", trained_on).get("name") == dataset:
                    found.append((version.created_ns, model))
    return [model for _, model in sorted(found, key=lambda each: -each[0])]


def _made(found: "ObjectVersion", content: bytes) -> ModelVersion:
    return ModelVersion(
        name=found.name,
        version=found.version,
        digest=found.digest,
        about=orjson.loads(content),
        aliases=found.aliases,
    )


def _digests(folder: Path) -> dict[str, str]:
    files = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).as_posix().startswith(_NOT_THE_MODEL)
    }
    if not files:
        raise ConfigError(f"there is no model in {folder}: save it before, trainer.save_model({str(folder)!r})")
    return {name: _digest(path) for name, path in files.items()}


def _digest(path: Path) -> str:
    made = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            made.update(piece)
    return made.hexdigest()
