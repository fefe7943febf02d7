"""What dialects call a provider, and what OpenTelemetry calls it."""

from typing import Final

PROVIDERS: Final = frozenset(
    {
        "anthropic",
        "aws.bedrock",
        "azure.ai.inference",
        "azure.ai.openai",
        "cohere",
        "deepseek",
        "gcp.gemini",
        "gcp.gen_ai",
        "gcp.vertex_ai",
        "groq",
        "ibm.watsonx.ai",
        "mistral_ai",
        "moonshot_ai",
        "openai",
        "perplexity",
        "x_ai",
    }
)
"""The names of the conventions."""

ALIASES: Final = {
    "amazon-bedrock": "aws.bedrock",
    "aws": "aws.bedrock",
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "google": "gcp.gen_ai",
    "google.generative-ai": "gcp.gemini",
    "google.vertex": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "moonshotai": "moonshot_ai",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""What others call them, in lower case. Vercel's names have the kind of model behind them: `openai.chat`."""


def provider_named(value: object) -> str | None:
    """Return OpenTelemetry's name of a provider; one that it does not know keeps its own, in lower case."""
    if not isinstance(value, str) or not value:
        return None
    name = value.lower()
    start, _, _ = name.rpartition(".")
    for each in (name, start, name.partition(".")[0]):
        if each in PROVIDERS or each in ALIASES:
            return ALIASES.get(each, each)
    return name
