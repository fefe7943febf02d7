"""What Google's GenAI API sends and answers."""
