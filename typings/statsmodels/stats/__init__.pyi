"""See `typings/statsmodels/__init__.pyi`."""
