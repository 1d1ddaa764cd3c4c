"""Order, retries and schedules; no logic."""
