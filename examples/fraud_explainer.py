"""Explain flagged card payments with a real model: traced, evaluated and guarded.

    python examples/fraud_explainer.py             a small model on this machine; no key, no account, no network
    python examples/fraud_explainer.py --openai    the same with OpenAI; set OPENAI_API_KEY

Everything above `main` is what you would write in your own program.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Generator, Iterator
from typing import Any

import openai

import tracelm
from tracelm.scorers import PII

PROJECT = "fraud-llm-explainer"
PRICES = {"smollm2-135m": {"input_usd_per_mtok": 0.02, "output_usd_per_mtok": 0.04}}
"""What we say a token of the local model costs: no public price list knows it."""

TRANSACTIONS: list[dict[str, Any]] = [
    {"amount": 4200, "merchant": "UNKNOWN_INTL", "country": "XX", "flag": "unusual country"},
    {"amount": 12, "merchant": "STARBUCKS", "country": "US", "flag": "none"},
    {"amount": 980, "merchant": "CRYPTO_ATM", "country": "US", "flag": "cash-like merchant"},
    {"amount": 1, "merchant": "GAS_PUMP_TEST", "country": "US", "flag": "card testing"},
    {"amount": 2750, "merchant": "JEWELRY_ONLINE", "country": "FR", "flag": "high amount"},
    {"amount": 65, "merchant": "GROCERY", "country": "US", "flag": "none"},
]

openai_client: openai.OpenAI
model: str


@tracelm.op
def explain_fraud_flag(transaction: dict[str, Any]) -> str:
    """Say in plain words why a payment was flagged."""
    reply = openai_client.chat.completions.create(
        model=model,
        messages=[
            {"role": "system", "content": "You explain card fraud alerts to bank customers in one short sentence."},
            {
                "role": "user",
                "content": f"A payment of ${transaction['amount']} at {transaction['merchant']} in "
                f"{transaction['country']} was checked. Flag: {transaction['flag']}. Is it a risk? Repeat the amount.",
            },
        ],
        max_tokens=48,
        temperature=0,
    )
    return reply.choices[0].message.content or ""


@tracelm.op
def relevance_scorer(transaction: dict[str, Any], output: str) -> dict[str, bool]:
    """Score an explanation: does it name the amount, does it speak about the risk?"""
    text = output.lower()
    return {
        "mentions_amount": f"{transaction['amount']}" in text.replace(",", ""),
        "addresses_risk": any(word in text for word in ("risk", "fraud", "suspicious", "unusual", "safe", "flag")),
    }


no_personal_data = PII()
"""One scorer object, three uses: a guardrail on a message, one on a stream, a metric in the evaluation."""

NOTICE = "The card 4111 1111 1111 1111 was stopped. Write to ada.lovelace@example.com with any question."


@tracelm.guard(tracelm.Guardrail(no_personal_data, action="block"))
@tracelm.op
def write_to_customer(transaction: dict[str, Any], note: str = "") -> str:
    """Write the message that leaves the bank. The guardrail reads it before anybody else does."""
    return f"{explain_fraud_flag(transaction)} {note}".strip()


@tracelm.guard(tracelm.Guardrail(no_personal_data, action="replace"))
@tracelm.op
def dictate(notice: str) -> Iterator[str]:
    """Let the model say a notice, piece by piece. The guardrail masks what runs over several of them."""
    stream = openai_client.chat.completions.create(
        model=model,
        messages=[
            {"role": "system", "content": "You are a copyist. Reply with exactly the text between the quotes."},
            {"role": "user", "content": f'"{notice}"'},
        ],
        max_tokens=64,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in stream:
        if chunk.choices:
            yield chunk.choices[0].delta.content or ""


def evaluate() -> tracelm.EvalRun:
    """Score the explanations of all transactions."""
    dataset = tracelm.Dataset(
        name="fraud-explanation-evals", rows=[{"transaction": transaction} for transaction in TRANSACTIONS]
    )
    # One at a time: the model on this machine answers one at a time as well.
    evaluation = tracelm.Evaluation(dataset=dataset, scorers=[relevance_scorer, no_personal_data], max_concurrency=1)
    return evaluation.run(explain_fraud_flag)


@contextlib.contextmanager
def real_model(*, use_openai: bool) -> Generator[tuple[openai.OpenAI, str]]:
    """Yield a client and the name of its model."""
    if use_openai:
        yield openai.OpenAI(), "gpt-4o-mini"
        return
    with tracelm.local_model.LocalModel() as server:
        yield openai.OpenAI(base_url=server.base_url, api_key="local"), server.name


def main(*, use_openai: bool = False) -> None:
    """Run all of it, then show what was recorded."""
    from rich.console import Console
    from rich.rule import Rule

    from tracelm.cli import tables

    global openai_client, model
    out = Console(highlight=False)
    out.print("Starting the model …" if use_openai else "Starting SmolLM2-135M on this machine …", style="dim")
    tracelm.init(PROJECT, prices=PRICES)
    with real_model(use_openai=use_openai) as (openai_client, model):
        write_to_customer(TRANSACTIONS[0])
        try:
            write_to_customer(TRANSACTIONS[4], note="Call Ada Lovelace, card 4111 1111 1111 1111, at +1 212 555 0187.")
            refused = "the guardrail let it pass"
        except tracelm.GuardrailTripped as tripped:
            refused = str(tripped)
        pieces = list(dictate(NOTICE))
        run = evaluate()

    with tracelm.open_store() as store:
        blocked, passed = (store.trace(each.trace_id) for each in store.spans(name="write_to_customer", limit=2))
        out.print(Rule("1  Trace: each call with its duration, tokens and cost", align="left"))
        out.print(tables.trace_tree(passed))
        out.print(Rule("2  Guardrail: the same call, but the message gave away a card number", align="left"))
        out.print(tables.trace_tree(blocked))
        out.print(f"The program got: GuardrailTripped: {refused}\n", markup=False)
        (dictated,) = (store.trace(each.trace_id) for each in store.spans(name="dictate", limit=1))
        out.print(Rule("3  Guardrail on a stream: the model says a card number, a digit a piece", align="left"))
        out.print(tables.trace_tree(dictated))
        out.print(f"The reader got: {'|'.join(pieces)}\n", markup=False)
        out.print(Rule("4  Evaluation: the same function over a dataset", align="left"))
        out.print(run.report())
        out.print(Rule("Where it is", align="left"))
        out.print(f"Journal and store: {store.home}", markup=False)
        command = tables.command()
        out.print(f"Next:  {command} traces", markup=False)
        out.print(f"       {command} show {passed.summary.trace_id[: tables.SHORT_ID]} --full", markup=False)
        out.print(f"       {command} eval show {run.run_id}", markup=False)
        out.print(f"       {command} doctor", markup=False)
        out.print(f"       {command} serve", markup=False)
        out.print(
            "The last one shows all of it in a browser, at http://127.0.0.1:4318 (with tracelm[server])", markup=False
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Explain flagged card payments with a real model.")
    parser.add_argument("--openai", action="store_true", help="use OpenAI (set OPENAI_API_KEY)")
    given = parser.parse_args()
    if given.openai and not os.environ.get("OPENAI_API_KEY"):
        sys.exit("--openai needs a key: set OPENAI_API_KEY")
    main(use_openai=given.openai)
