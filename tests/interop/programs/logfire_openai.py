"""Logfire, sending to an endpoint of its user's own."""

import logfire
import openai
from calls import calls

logfire.configure(
    send_to_logfire=False, service_name="shop", environment="staging", service_version="1.2", console=False
)
client = openai.OpenAI()
logfire.instrument_openai(client)


def around(name):
    """Open a span of Logfire's own around a call."""
    return logfire.with_tags("first", "second").span("scenario {name}", name=name)


calls(client, around)
logfire.shutdown()
