"""What Anthropic's messages look like, whoever serves them."""
