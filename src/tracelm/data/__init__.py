"""What evaluations run over."""
