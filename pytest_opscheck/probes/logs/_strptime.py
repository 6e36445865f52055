"""The form of time stamps as an inventory says it: what strptime calls so, as far as it dates a line."""

from __future__ import annotations

import re

_SHORT = {"T": "%H:%M:%S", "R": "%H:%M", "F": "%Y-%m-%d", "D": "%m/%d/%y", "c": "%a %b %e %H:%M:%S %Y"}
_KNOWN = "YymbBhdejHIklMSfpzZsaA%"
_EXAMPLE = 'write for example stamp = "%d.%m. %H:%M"'


def strptime(form: str) -> str:
    """Return a form of time stamps, with nothing left that is short for something else.

    Raises ValueError where it has a directive that is not known here, or does not say day and hour.
    """
    if not form:
        return form
    if "\n" in form or "\t" in form:
        raise ValueError("a form of time stamps is one line, without tabs")
    long = re.sub(r"%([%TRFDc])", lambda found: _SHORT.get(found[1], found[0]), form)
    directives = re.findall(r"%(.?)", long)
    for each in directives:
        if not each or each not in _KNOWN:
            known = " ".join(f"%{letter}" for letter in _KNOWN + "".join(_SHORT))
            raise ValueError(f"%{each} in {form!r} is not known; these are: {known}")
    given = set(directives)
    dated = (given & set("de") and given & set("mbBh")) or ("j" in given and "Y" in given)
    if "s" in given or (dated and given & set("Hk")):
        return long
    if dated and given & set("Il"):
        if "p" in given:
            return long
        raise ValueError(f"{form!r} has hours from 1 to 12 (%I) without AM or PM (%p); hours to 23 are %H")
    raise ValueError(f"{form!r} does not say day, month and hour, as %d, %m and %H do; {_EXAMPLE}")
