"""The part of scikit-learn that the tests ask as an oracle; the package ships no types."""
