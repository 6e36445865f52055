"""How answers of servers are read: within bounds, and what went wrong in one line with its next step."""
