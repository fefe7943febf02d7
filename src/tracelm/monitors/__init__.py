"""Scorers over a sample of what runs in production."""
