"""Who answers behind an address that speaks the interface of a well-known provider.

What is not known stays that one: a proxy, or a server of one's own, speaks what it speaks. Only one line here is
a guess: a server on port 11434 is taken for Ollama, whose port that is.
"""

from typing import Final
from urllib.parse import urlsplit

from opentelemetry.util.types import AttributeValue

from tracelm import semconv

_HOSTS: Final = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "api-inference.huggingface.co": "huggingface",
    "api.cerebras.ai": "cerebras",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks_ai",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "codestral.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "api.perplexity.ai": "perplexity",
    "api.together.ai": "together_ai",
    "api.together.xyz": "together_ai",
    "api.x.ai": "x_ai",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "models.inference.ai.azure.com": "azure.ai.inference",
    "openrouter.ai": "openrouter",
    "router.huggingface.co": "huggingface",
}
_DOMAINS: Final = {
    ".openai.azure.com": "azure.ai.openai",
    ".openai.azure.us": "azure.ai.openai",
    ".openai.azure.cn": "azure.ai.openai",
    ".cognitiveservices.azure.com": "azure.ai.openai",
    ".services.ai.azure.com": "azure.ai.inference",
    ".models.ai.azure.com": "azure.ai.inference",
    "-aiplatform.googleapis.com": "gcp.vertex_ai",
    ".aiplatform.googleapis.com": "gcp.vertex_ai",
    ".cloud.databricks.com": "databricks",
    ".gcp.databricks.com": "databricks",
    ".azuredatabricks.net": "databricks",
    ".endpoints.huggingface.cloud": "huggingface",
    ".api.x.ai": "x_ai",
    ".ollama.com": "ollama",
}
_NAMES: Final = {
    "amazon_bedrock": "aws.bedrock",
    "anthropic_bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "cohere_chat": "cohere",
    "gemini": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "google_anthropic_vertex": "gcp.vertex_ai",
    "ibm": "ibm.watsonx.ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "text-completion-openai": "openai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""What frameworks call a provider, where it is not `gen_ai.provider.name`."""
_BEDROCK: Final = ("bedrock-runtime.", "bedrock-runtime-fips.", "bedrock-mantle.")
_AMAZON: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_OLLAMA_PORT: Final = 11434


def provider_at(host: str, port: int, *, otherwise: str = "openai") -> str:
    """Return `gen_ai.provider.name` of a server.

    Args:
        host: Its name, in lower case.
        port: Its port.
        otherwise: Whose interface it speaks.
    """
    found = _HOSTS.get(host)
    if found is not None:
        return found
    if host.startswith(_BEDROCK) and host.endswith(_AMAZON):
        return "aws.bedrock"
    for domain, provider in _DOMAINS.items():
        if host.endswith(domain):
            return provider
    return "ollama" if port == _OLLAMA_PORT else otherwise


def provider_called(name: str) -> str:
    """Return `gen_ai.provider.name` of a provider that a framework has a name for; `_OTHER` where it has none."""
    if name.startswith("vertex_ai"):  # LiteLLM says more behind it
        return "gcp.vertex_ai"
    return _NAMES.get(name, name) or "_OTHER"


def server_at(address: str | None) -> dict[str, AttributeValue]:
    """Return the attributes of the server at an address that a program gave; none without one."""
    parts = urlsplit(address or "")
    if not parts.hostname:
        return {}
    port = parts.port or (80 if parts.scheme == "http" else 443)
    return {semconv.SERVER_ADDRESS: parts.hostname, semconv.SERVER_PORT: port}
