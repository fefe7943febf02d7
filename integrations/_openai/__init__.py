"""What OpenAI's endpoints take and answer, whoever serves them."""
