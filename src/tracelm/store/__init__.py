"""The embedded store: an index over the journal that one can ask questions."""
