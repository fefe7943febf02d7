"""A web service whose streamed answers pass a policy: plain ASGI, so that any server and framework can run it.

    uvicorn examples.asgi_guard:app        POST a question to http://127.0.0.1:8000/

A refused question is answered with status 422 and the words that the policy gives. An answer that is refused midway
ends with the policy's own words; what was sent before it was judged.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import tracelm

POLICY = tracelm.Policy.from_yaml("""
name: public-chat
version: "1"
guardrails:
  - scorer: PromptInjection
    on: input
    message: I only answer questions about our products.
  - scorer: PII
    action: replace
  - scorer: {BannedTerms: {terms: [Acme Corp], label: COMPETITOR}}
    action: replace
    replacement: I would rather not speak about others.
""")


@tracelm.guard(POLICY)
@tracelm.op
async def answer(question: str) -> AsyncIterator[str]:
    """Answer word by word, as a model would."""
    for word in f"You asked: {question} Write to help@example.com, we answer within a day.".split(" "):
        yield f"{word} "


Message = MutableMapping[str, Any]


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    words = answer(body.decode(errors="replace"))
    try:
        first = await anext(words, "")  # the input is judged here, before the status is sent
    except tracelm.GuardrailTripped as tripped:
        await _start(send, 422)
        await send({"type": "http.response.body", "body": tripped.safe_message.encode()})
        return
    await _start(send, 200)
    await send({"type": "http.response.body", "body": first.encode(), "more_body": True})
    async for piece in words:
        await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _start(send: Callable[[Message], Awaitable[None]], status: int) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
