"""Makes the contacts of a plan, side by side, and puts up what each probe reads."""
