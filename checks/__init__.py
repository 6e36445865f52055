"""The shipped checks, a file a kind."""
