"""Carries parts of a run to workers in other networks, by a broker that all of them reach, and results back."""
