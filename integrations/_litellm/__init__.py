"""What LiteLLM answers, and where a span of its call is."""
