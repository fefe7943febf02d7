"""Langfuse's SDK with its wrapper of OpenAI's client."""

from calls import calls
from langfuse import get_client, propagate_attributes
from langfuse.openai import OpenAI

langfuse = get_client()
client = OpenAI()
with langfuse.start_as_current_observation(as_type="span", name="handle", input={"question": "What is 2 + 2?"}) as span:
    with propagate_attributes(session_id="s-1", user_id="u-1", tags=["first", "second"], metadata={"plan": "pro"}):
        calls(client)
    span.update(output="done")
langfuse.shutdown()
