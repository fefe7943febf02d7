"""Guardrails as a dependency of FastAPI: a route asks for `rails`, and refusals are answered in one place.

    uvicorn examples.fastapi_guard:app        POST {"question": "..."} to http://127.0.0.1:8000/answers

What the policy refuses is answered with status 422 and the words that the policy gives; with status 503 where a
guardrail itself failed.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

import tracelm
from tracelm.guards.block import Guarded

POLICY = tracelm.Policy.from_yaml("""
name: public-answers
version: "1"
guardrails:
  - scorer: PromptInjection
    on: input
    message: I only answer questions about our products.
  - scorer: PII
    action: replace
""")

app = FastAPI()


class Asked(BaseModel):
    """A question."""

    question: str


class Answered(BaseModel):
    """Its answer."""

    answer: str


async def rails() -> AsyncIterator[Guarded]:
    """Guard one request: the block is a span, and its decisions belong to it."""
    async with tracelm.guarded(POLICY, name="answers") as found:
        yield found


@app.post("/answers")
async def answer(asked: Asked, rails: Annotated[Guarded, Depends(rails)]) -> Answered:
    """Answer a question."""
    question = await rails.ainput(asked.question)
    draft = f"You asked: {question} Write to help@example.com, we answer within a day."
    return Answered(answer=await rails.aoutput(draft))


@app.exception_handler(tracelm.GuardrailError)
async def refused(_request: Request, error: tracelm.GuardrailError) -> JSONResponse:
    """Answer what a guardrail has stopped."""
    if isinstance(error, tracelm.GuardrailTripped):
        return JSONResponse({"detail": error.safe_message}, status_code=422)
    return JSONResponse({"detail": "try again later"}, status_code=503)
