"""What DSPy tells its callbacks."""
