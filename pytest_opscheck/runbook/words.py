"""The words of runbooks: what labels, headings and columns say of what stands behind them, in a few languages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

LONGEST = 300


class Role(Enum):
    """What a part of a runbook is for."""

    NORMAL = "what should be"
    ALARM = "what should not be"
    SYMPTOM = "symptoms"
    REMEDY = "remedies"
    ROLLBACK = "rollback"
    TROUBLE = "troubleshooting"
    CONTACT = "contacts"
    ANSWER = "answer times"
    TASK = "tasks"
    NONE = ""


INACTIVE = frozenset((Role.SYMPTOM, Role.REMEDY, Role.ROLLBACK, Role.TROUBLE, Role.CONTACT))
"""What is proposed out of these is never active."""


def _words(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_EXPECTED = (
    r"expect(?:ed|ation)?s?(?: (?:output|result|response|value|answer|status|behaviou?r"
    r"|state)s?)?|should (?:be|show|say|return|print|read|see|output)"
    r"|(?:desired|correct|good|healthy|normal|ok|target|ideal|nominal|green)(?: (?:output"
    r"|result|response|value|range|state|level|operation)s?)?|success(?:ful(?: output)?)?"
    r"|pass(?:es|ed)?(?: if)?|baseline|goals?|slo|objective|criteria|acceptance"
    r"|verify(?: that)?|ensure|thresholds? \(ok\)|want(?:ed)?|result"
    r"|erwartet(?:e[srn]?)?(?: (?:ergebnis|ausgabe|wert|antwort|status))?|soll(?:wert"
    r"|zustand)?|ziel(?:wert)?|normal(?:wert|bereich)?|ergebnis|gut"
    r"|(?:résultat |sortie |valeur |réponse )?attendue?s?|cible|objectif|normale?|nominal"
    r"|esperad[oa]|resultado esperado|valor normal|atteso|previsto"
)
_LABEL_EXPECTED = _words(
    rf"^\W*(?:{_EXPECTED})\s*(?:\*\*)?\s*(?:\([^)]*\)\s*)?(?:[:\uff1a=\u2013—]|->|→|\*\*|$|(?=[<>≤≥]))"
)
_SEVERITIES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("P0", _words(r"\b(?:p0|sev-?0|emergency|emergencies|disaster|notfall)\b")),
    (
        "P1",
        _words(
            r"\b(?:p1|sev-?1|critical|crit|high|page|pages|paging|severe|urgent|major|red|kritisch\w*|hoch|critiques?|élevée?|crítico|danger)\b"
        ),
    ),
    (
        "P2",
        _words(
            r"\b(?:p2|sev-?2|warn(?:ing|s|ung)?|medium|elevated|degraded|moderate|yellow|amber|orange|minor|avertissement|alerte|mittel|moyenne?|advertencia|attention)\b"
        ),
    ),
    ("P3", _words(r"\b(?:p3|p4|sev-?[345]|low|info(?:rmational)?|notice|niedrig|faible|hinweis)\b")),
)
_LEVEL = re.compile(r"\b(?:p|sev[- ]?|priority |prio |severity )([0-4])\b", re.IGNORECASE)
_NORMAL = _words(
    r"\b(?:expected|normal(?:wert|bereich|e)?|healthy|good|ok|target|ideal|nominal|green"
    r"|baseline|goals?|slo|objective|acceptable|sufficient|fine|stable|should be"
    r"|soll(?:wert|zustand)?|erwartet\w*|ziel(?:wert)?|gut|in ordnung|attendue?s?|cible"
    r"|objectif|normale?|esperad[oa])\b"
)
_ALARM = _words(
    r"\b(?:alerts?|alarms?|thresholds?|warn(?:ing|s|ung|en)?|critical|triggers?"
    r"|fires? when|page(?:s| if| when)?|escalate|fail(?:ure|s|ed)?|unhealthy|bad|problem"
    r"|danger"
    r"|if|when|once|whenever|in case|more than zero|schwellen?werte?|schwellen?"
    r"|grenzwerte?|alarmier\w*|kritisch|wenn|falls|sobald|seuils?|alertes?|critique|si"
    r"|lorsque|quand|dès que)\b"
)
_ROLES: tuple[tuple[Role, re.Pattern[str]], ...] = (
    (
        Role.CONTACT,
        _words(
            r"\b(?:contacts?|escalation (?:path|policy|matrix)|on-?call (?:rotation|schedule)"
            r"|people|team|kontakte?|ansprechpartner|references?|links?|change ?log"
            r"|revision history|table of contents|glossary)\b"
        ),
    ),
    (
        Role.ROLLBACK,
        _words(r"\b(?:roll(?:ing)?[ -]?backs?|revert(?:ing)?|back ?out|zurückrollen|rückfall|retour arrière)\b"),
    ),
    (
        Role.SYMPTOM,
        _words(
            r"\b(?:symptoms?|symptome?n?|symptômes?|anzeichen|signs?|impact|what users see|observed|indications?)\b"
        ),
    ),
    (
        Role.REMEDY,
        _words(
            r"\b(?:fix(?:es|ing)?|solutions?|resolutions?|resolv\w+|remed\w+|mitigat\w+"
            r"|recover(?:y|ing)?(?! time| point)|work ?arounds?|(?:common )?causes?|actions?"
            r"|response steps|repair|what to do|immediate actions?"
            r"|lösung(?:en)?|behebung|maßnahmen?|abhilfe|ursachen?|solution|résolution|correctifs?"
            r"|remède|cause|actions? correctives?|restart(?:ing)?|neustart\w*|redémarrage|scal(?:e"
            r"|ing)(?! policy)|skalierung"
            r"|cleanup|clean(?:ing)? up|data fixes|purg\w+|clear(?:ing)?|flush\w*|if (?:fails|full"
            r"|high|slow|still)|escalat\w+)\b"
        ),
    ),
    (
        Role.TROUBLE,
        _words(
            r"\b(?:trouble\W?shoot\w*|issue(?:s)?(?! tracker)(?: \d+)?|problems?|incidents?"
            r"|emergenc(?:y|ies)|outages?|debug\w*|diagnos\w*|investigat\w*|disaster|störung\w*"
            r"|fehlersuche|notfall\w*|dépannage|pannes?|incidents?"
            r"|(?:is|are|goes|server|site|service|application|database|api|app) (?:down|slow"
            r"|unreachable|full)|not (?:responding|working|processing|starting|running)|failures?"
            r"|crash\w*|breach|corruption|deadlocks?|stuck|high (?:cpu|memory|load|latency|error)"
            r"|out of (?:memory|disk)|scenario|common errors|playbooks?|postmortem)\b"
        ),
    ),
    (
        Role.ANSWER,
        _words(
            r"\b(?:response times?(?= (?:targets?|expectations?|matrix|sla))|severity (?:levels?"
            r"|definitions?|matrix|classification)|severit(?:y|ies)|priorit(?:y|ies)"
            r"|incident (?:classification|levels?)|prioritäten|gravités?)\b"
        ),
    ),
)
_SUITES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "deploy_gate",
        _words(
            r"\b(?:deploy(?:ment|ing|s)?|post-deploy\w*|pre-deploy\w*|releases?|roll-?outs?"
            r"|go-?live|after (?:a |the )?(?:deploy|release|upgrade)|bereitstellung|auslieferung"
            r"|déploiement|mise en production|cutover)\b"
        ),
    ),
    ("monthly", _words(r"\b(?:monthly|month|monatlich\w*|mensuel\w*|quarterly|quarter)\b")),
    ("weekly", _words(r"\b(?:weekly|every week|week(?!end|day)|wöchentlich\w*|hebdomadaires?|jede woche)\b")),
    (
        "daily",
        _words(
            r"\b(?:daily|every (?:morning|day|evening)|morning|evening|start of (?:the )?day"
            r"|nightly|täglich\w*|jeden (?:morgen|tag)|quotidien\w*|chaque jour|matin|shift"
            r"|hourly)\b"
        ),
    ),
)
_OK = _words(
    r"\b(?:healthy|up|running|ok(?:ay)?|active|online|alive|normal|stable|acceptable|sufficient|correct(?:ly)?|good|fine|passes?|passed|succeeds?|successful(?:ly)?|valid|present|completed?|complete|exists?|responding|responds|reachable|ready|green|fresh"
    r"|enough|open|listening|firing none|in sync|connected|gesund|läuft|laufen|aktiv"
    r"|erreichbar|vorhanden|gültig|ausreichend|erfolgreich|in ordnung|actifs?|active"
    r"|disponible|valide|présente?s?|répond|up to date|not (?:backing up|full|growing"
    r"|stuck|piling up))\b"
)
_NOTHING = _words(
    r"\b(?:nothing|none|no (?:rows?|output|lines?|results?|errors?|matches|entries"
    r"|containers?|failures?|alerts?|critical|firing|jobs?|messages?|units?|pending"
    r"|locks?)|empty(?: output| result| list)?|zero|nichts|keine?(?:n|r)? (?:zeilen?"
    r"|ausgabe|fehler|treffer)|leer|rien|aucune?|vide|0 (?:rows|lines|errors?))\b"
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words for what is expected: those that are known, and those of the command line."""

    own: re.Pattern[str] | None = None

    @classmethod
    def of(cls, words: tuple[str, ...]) -> Vocabulary:
        """Return a vocabulary with the user's words."""
        alternatives = "|".join(re.escape(word.strip().rstrip(":")) for word in words if word.strip().rstrip(":"))
        return cls(
            re.compile(rf"^\W*(?:{alternatives})\b\s*\**\s*[:\uff1a=\u2013—-]?", re.IGNORECASE)
            if alternatives
            else None
        )

    def is_expected(self, text: str) -> bool:
        """Tell whether a text begins with a word for what is expected: `Expected: ...`, `**Normal**: ...`."""
        start = text[:LONGEST]
        return _LABEL_EXPECTED.match(start) is not None or (self.own is not None and self.own.match(start) is not None)


def severity_in(text: str) -> str | None:
    """Return the severity that a text names, P0 to P3; None where it names none."""
    start = text[:LONGEST]
    if level := _LEVEL.search(start):
        return f"P{min(int(level[1]), 3)}"
    return next((name for name, words in _SEVERITIES if words.search(start)), None)


def is_normal(text: str) -> bool:
    """Tell whether a label or a column says what should be."""
    return _NORMAL.search(text[:LONGEST]) is not None


def is_alarm(text: str) -> bool:
    """Tell whether a label, a column or the words around a number say what should not be."""
    return _ALARM.search(text[:LONGEST]) is not None


def role_of(text: str) -> Role:
    """Return what a heading or a label says that the part below it is for."""
    start = text[:LONGEST]
    return next((role for role, words in _ROLES if words.search(start)), Role.NONE)


def suite_in(text: str) -> str | None:
    """Return the suite that a heading names: what is done daily, weekly, monthly, at a deploy."""
    return next((name for name, words in _SUITES if words.search(text[:LONGEST])), None)


def says_well(text: str) -> bool:
    """Tell whether a text says that something is as it should be, without a number."""
    return _OK.search(text[:LONGEST]) is not None


def says_nothing(text: str) -> bool:
    """Tell whether a text says that nothing is to be seen."""
    return _NOTHING.search(text[:LONGEST]) is not None
