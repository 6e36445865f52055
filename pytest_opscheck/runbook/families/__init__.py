"""What commands ask, a module for each family of programs."""
