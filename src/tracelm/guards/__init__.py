"""Guardrails: scorers that stop or rewrite an output."""
