"""The runbook that an inventory names, and whether its links lead somewhere."""
