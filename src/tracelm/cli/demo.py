"""`tracelm demo`: the example of the README, from an installed package."""

import os
from typing import Annotated

import typer

from tracelm.errors import ConfigError


def demo(
    use_openai: Annotated[bool, typer.Option("--openai", help="Use OpenAI; set OPENAI_API_KEY.")] = False,
) -> None:
    """Trace, evaluate and guard a real model, here and now."""
    if use_openai and not os.environ.get("OPENAI_API_KEY"):
        raise ConfigError("--openai needs a key: set OPENAI_API_KEY")
    from tracelm.cli import fraud_explainer

    fraud_explainer.main(use_openai=use_openai)
