"""Whose server a client of OpenAI's asks: told by the address that the client has."""

from typing import Any

import openai
import pytest

from tests.integrations.answering import REPLY
from tests.openai_client import ASK, answering, client_of, http
from tracelm.testing import Spans

pytest_plugins = ("tests.recordings.fixtures",)


@pytest.mark.parametrize(
    ("base_url", "provider", "address", "port"),
    [
        ("https://api.openai.com/v1", "openai", "api.openai.com", 443),
        ("https://api.groq.com/openai/v1", "groq", "api.groq.com", 443),
        ("https://api.deepseek.com", "deepseek", "api.deepseek.com", 443),
        ("https://api.x.ai/v1", "x_ai", "api.x.ai", 443),
        ("https://api.mistral.ai/v1", "mistral_ai", "api.mistral.ai", 443),
        ("https://api.perplexity.ai", "perplexity", "api.perplexity.ai", 443),
        ("https://api.moonshot.cn/v1", "moonshot_ai", "api.moonshot.cn", 443),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai/",
            "gcp.gemini",
            "generativelanguage.googleapis.com",
            443,
        ),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1",
            "aws.bedrock",
            "bedrock-runtime.us-east-1.amazonaws.com",
            443,
        ),
        ("https://me.openai.azure.com/openai/v1/", "azure.ai.openai", "me.openai.azure.com", 443),
        ("https://api.together.xyz/v1", "together_ai", "api.together.xyz", 443),
        ("https://api.cerebras.ai/v1", "cerebras", "api.cerebras.ai", 443),
        ("https://api.fireworks.ai/inference/v1", "fireworks_ai", "api.fireworks.ai", 443),
        ("https://openrouter.ai/api/v1", "openrouter", "openrouter.ai", 443),
        ("https://router.huggingface.co/v1", "huggingface", "router.huggingface.co", 443),
        ("https://dbc-1.cloud.databricks.com/serving-endpoints", "databricks", "dbc-1.cloud.databricks.com", 443),
        (
            "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi",
            "gcp.vertex_ai",
            "us-central1-aiplatform.googleapis.com",
            443,
        ),
        ("http://localhost:11434/v1", "ollama", "localhost", 11434),
        ("http://localhost:8000/v1", "openai", "localhost", 8000),  # vLLM, or anything else
        ("https://bedrock-runtime.example.com/v1", "openai", "bedrock-runtime.example.com", 443),
        ("https://api.groq.com.example.com/v1", "openai", "api.groq.com.example.com", 443),
        ("http://localhost/v1", "openai", "localhost", 80),
        ("http://[::1]:8080/v1", "openai", "::1", 8080),
    ],
)
def test_provider_and_server(base_url: str, provider: str, address: str, port: int, spans: Spans) -> None:
    with client_of(base_url, REPLY) as client:
        client.chat.completions.create(**ASK)
    attributes = spans.one().attributes
    assert attributes["gen_ai.provider.name"] == provider
    assert attributes["server.address"] == address
    assert attributes["server.port"] == port


def test_a_client_that_tells_its_address_anew_is_asked_each_time(spans: Spans) -> None:
    hosts = ["api.groq.com", "api.deepseek.com"]

    class Changing(openai.OpenAI):
        @property
        def base_url(self) -> Any:
            return http.URL(f"https://{hosts[0]}/v1/")

        @base_url.setter
        def base_url(self, url: object) -> None:
            """Stay with its own."""

    with Changing(api_key="test", http_client=http.Client(transport=answering(REPLY))) as client:
        client.chat.completions.create(**ASK)
        del hosts[0]
        client.chat.completions.create(**ASK)
    assert [span.attributes["server.address"] for span in spans.all()] == ["api.groq.com", "api.deepseek.com"]
