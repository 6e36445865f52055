"""A module per format. They render results and decide nothing."""
