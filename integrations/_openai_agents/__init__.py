"""What OpenAI's Agents SDK tells its trace processors."""
