"""The steps of an orchestration that are applied on hosts, and what their results mean."""
