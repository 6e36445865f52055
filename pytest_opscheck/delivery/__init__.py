"""Takes what a run says to where people and machines read it: mail, metrics, heartbeat."""
