"""What a fine-tuning run tells while it runs."""
