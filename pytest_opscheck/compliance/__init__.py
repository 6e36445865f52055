"""What was due to be checked over a time, what came of it, and what is missing: for an audit."""
