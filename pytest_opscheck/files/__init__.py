"""Files of runs and of people: private, whole or not at all, and read as far as they may be long."""
