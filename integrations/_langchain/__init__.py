"""What LangChain tells its callbacks."""
