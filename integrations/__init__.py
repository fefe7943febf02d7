"""Client libraries that tracelm patches: a module each, and a folder for what only one of them says."""
