"""Argument beats environment beats default; what cannot work is refused at the door, in the user's words."""

from pathlib import Path

import pytest

import tracelm
from tracelm.settings import Settings


def test_an_argument_beats_the_environment_which_beats_the_default() -> None:
    env = {"TRACELM_MAX_ATTRIBUTE_BYTES": "7", "TRACELM_CAPTURE_CONTENT": "off"}
    assert Settings.from_env(env, project="p").max_attribute_bytes == 7
    assert Settings.from_env(env, project="p", max_attribute_bytes=9).max_attribute_bytes == 9
    assert Settings.from_env({}, project="p").max_attribute_bytes == 64_000
    assert Settings.from_env(env, project="p").capture_content is False


def test_the_home_is_an_absolute_path() -> None:
    home = Settings.from_env({"TRACELM_HOME": "~/somewhere"}, project="p").home
    assert home == Path.home() / "somewhere"


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"TRACELM_CAPTURE_CONTENT": "maybe"}, "TRACELM_CAPTURE_CONTENT='maybe' is neither true nor false"),
        ({"TRACELM_MAX_ATTRIBUTE_BYTES": "many"}, "TRACELM_MAX_ATTRIBUTE_BYTES='many' is no number"),
        ({"TRACELM_SHUTDOWN_TIMEOUT_S": "nan"}, "shutdown_timeout_s=nan cannot work"),
        ({"TRACELM_ENDPOINT": "localhost:4318"}, "give the collector's base address"),
        ({"TRACELM_URL": "localhost:4318"}, "give the one that `tracelm serve` prints"),
        ({"TRACELM_PROTOCOL": "carrier pigeon"}, "use 'http/protobuf' or 'grpc'"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(env: dict[str, str], message: str) -> None:
    with pytest.raises(tracelm.ConfigError, match=message):
        Settings.from_env(env, project="p")


@pytest.mark.parametrize("project", ["", "  ", "a\nb", "x" * 201, 7])
def test_a_project_needs_a_name(project: str) -> None:
    with pytest.raises(tracelm.ConfigError, match="project must be"):
        Settings(project=project)
