"""Makes a result of what was measured: against its limits, with what blocks or excuses it."""
