"""A catalogue of faults for every stack of the examples; a module each, named as its stack."""
