"""What is called over MCP, in both of its versions."""
