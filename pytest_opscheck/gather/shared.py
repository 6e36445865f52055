"""The marks that the processes of a run set in the folder that they share."""

LOST = "lost"
"""A worker died."""
OVER = "over"
"""All tests have ended."""
STOP = "stop"
"""The run was interrupted: its workers end."""
