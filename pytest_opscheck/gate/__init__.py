"""The deploy gate: what was measured before a deploy compared with what was measured after it; three answers."""
