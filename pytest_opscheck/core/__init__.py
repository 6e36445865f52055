"""The words that everything is said in: limits, units, results, secrets. It knows no pytest, no file and no target."""
