"""What LlamaIndex tells its dispatcher."""
