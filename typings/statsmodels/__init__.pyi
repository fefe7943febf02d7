"""The part of statsmodels that the tests ask as an oracle; the package ships no types."""
