"""Quiet with reason: what a waiver or a maintenance window makes of a result that is not ok."""
