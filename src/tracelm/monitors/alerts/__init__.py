"""Who is told when a monitor's figures turn bad, and when."""
