"""A store behind a tracelm server: the same questions, asked over its API."""
