"""What a call of a model cost, and by which rule."""
