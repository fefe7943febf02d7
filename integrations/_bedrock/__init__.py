"""What Amazon Bedrock's requests and answers look like."""
