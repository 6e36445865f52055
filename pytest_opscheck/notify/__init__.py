"""Who is told what, and through which channel: once per new breach, and once when it is over."""
