"""One pytest run with checks: what is collected, run, masked and told, between pytest's hooks and the rest."""
