"""What Pydantic AI's own spans say."""
