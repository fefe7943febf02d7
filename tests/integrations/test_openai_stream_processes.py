"""A stream that is open when its process ends, or has a child: its span ends once, in the process that reads it."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.recordings.recorded import Recorded
from tests.recordings.server import load
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)
OUTCOME = "tracelm.stream.outcome"


@pytest.fixture
def chat(own_url: str) -> Recorded:
    """A streamed chat."""
    return Recorded(load()["local-chat-completions-stream-usage"], own_url)


def test_a_stream_that_is_still_open_when_the_program_ends(chat: Recorded, tmp_path: Path) -> None:
    program = f"""
        import tempfile, weakref, openai, tracelm
        weakref.finalize(tempfile, print)  # registered to run at the end before tracelm is
        tracelm.init("left-open", home={str(tmp_path / "home")!r})
        client = openai.OpenAI(base_url={chat.url + "/v1"!r}, api_key="test")
        reply = client.chat.completions.create(model="m", messages=[], stream=True)
        next(reply), next(reply), next(reply)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
    span = Spans(tmp_path / "home").one()
    assert span.attributes[OUTCOME] == "closed_early"
    assert "gen_ai.output.messages" in span.attributes


def test_a_child_that_is_forked_while_a_stream_is_read_does_not_end_it(chat: Recorded, tmp_path: Path) -> None:
    program = f"""
        import os, sys, openai, tracelm
        tracelm.init("forked", home={str(tmp_path / "home")!r})
        client = openai.OpenAI(base_url={chat.url + "/v1"!r}, api_key="test")
        reply = client.chat.completions.create(model="m", messages=[], stream=True)
        next(reply)
        child = os.fork()
        if not child:
            sys.exit(0)
        list(reply)
        os.waitpid(child, 0)
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)], check=True)
    span = Spans(tmp_path / "home").one()
    assert (OUTCOME in span.attributes, span.attributes["gen_ai.response.finish_reasons"]) == (False, ["stop"])
