"""What a person reads at the end of an orchestration, and while it runs."""
