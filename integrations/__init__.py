"""Client libraries that tracelm patches, one module each."""
