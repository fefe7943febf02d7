"""One process that takes OTLP in, keeps it in the store, and shows it: `tracelm serve`."""
