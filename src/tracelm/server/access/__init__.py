"""Who may ask the server what: hosts and origins, API keys, browser sessions, and the one rule of each route."""
