"""The judge of an output and its verdict."""
