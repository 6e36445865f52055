"""Zones of time stamps as the lines of a log say them, an awk library: by numbers, or by letters that mean one zone."""

from __future__ import annotations

# A zone's letters may mean several: CST is Chicago, Shanghai or Havana. Where they are those of the stamps' own zone,
# they mean that one. KNOWN says by how many minutes a zone is ahead of UTC. What else looks like a zone is one of
# several, and what does not, as ERROR and POST, is none.
ZONES = r"""
function shift(z,   s, hours, minutes) {
  s = z; gsub(/[^0-9]/, "", s)
  if (length(s) % 2) s = "0" s
  hours = substr(s, 1, 2); minutes = substr(s, 3, 2)
  s = hours * 3600 + minutes * 60
  return z ~ /-/ ? -s : s
}
# What is behind the time, without fractions of a second, as far as a zone may be said in it: else nothing.
function tail_of(rest,   c) {
  c = substr(rest, 1, 1)
  if (c == "." || c == ",") {
    if (match(rest, /^[.,][0-9]+/)) rest = substr(rest, RLENGTH + 1)
    c = substr(rest, 1, 1)
  }
  if (c == " " || c == "(") c = substr(rest, 2, 1)
  return c != "" && index("+-ABCDEFGHIJKLMNOPQRSTUVWXYZapz\302\342", c) ? substr(rest, 1, 14) : ""
}
# Reads what is behind the time: AM or PM, a zone, or neither. `tail_code` is the same for tails that mean the same.
# PostgreSQL writes -03 behind a blank, where others begin the message: such a zone is `weak`, or one of several.
function behind(rest,   tail, code, part) {
  tail = tail_of(rest)
  weak = 0
  if (tail == "") { zone = 0; half = ""; tail_code = "0  "; return }
  if (!(tail in codes)) {
    if (++coded > 500) { split("", codes); coded = 0 }
    codes[tail] = code_of(tail)
  }
  if ((tail_code = codes[tail]) == "0  ") { zone = 0; half = ""; return }
  split(tail_code, part, " ")
  zone = part[1] + 0; offset = part[2] + 0; half = part[3]
  weak = tail ~ /^ [-+][0-9][0-9][^0-9:]/
}
function code_of(rest,   word, c, half, s) {
  half = ""
  gsub(/\342\200\257|\302\240/, " ", rest)
  if (match(rest, /^ ?[AaPp][.]?[Mm]([^A-Za-z0-9_]|$)/)) {
    half = tolower(substr(rest, 1, 2)); sub(/^ /, "", half); half = substr(half, 1, 1)
    sub(/^ ?[AaPp][.]?[Mm][.]?/, "", rest)
  }
  s = ""
  if (match(rest, /^[ (]?([A-Za-z]+[-+]?[0-9:]*|[-+][0-9:]+)/)) {
    word = substr(rest, 1, RLENGTH)
    if (substr(rest, RLENGTH + 1, 1) !~ /[A-Za-z_]/) s = zoned(word)
    if (word ~ /^ [-+][0-9][0-9]$/ && s != "" && substr(rest, 5) !~ /^(:| ?[[(]| [A-Z]| [a-z_]+=|$)/) s = "?"
  }
  return s == "?" ? "2 0 " half : s == "" ? "0 " (half == "" ? "" : "0") " " half : "1 " s " " half
}
function zoned(word,   i, s) {
  s = word; sub(/^[ (]/, "", s); sub(/:+$/, "", s)
  if (s ~ /^(Z|z|UTC|GMT|UT)$/) return 0
  if (s ~ /^(UTC|GMT)[-+][0-9]/) sub(/^.../, "", s)
  if (s ~ /^[-+][0-9][0-9]?(:?[0-9][0-9])?$/) {
    if (word ~ /^[ (]/ && s ~ /^[-+][0-9]$/ && word !~ /UTC|GMT/) return ""
    i = shift(s)
    return i < -43200 || i > 50400 || i % 900 ? "" : i
  }
  if (s !~ /^[A-Z][A-Za-z]*$/) return ""
  if (s == then_name) return then
  if (s == here_name) return here
  if (i = index(KNOWN, " " s "=")) { s = substr(KNOWN, i + length(s) + 2, 6); sub(/ .*/, "", s); return s * 60 }
  if (index(SEVERAL, " " s " ")) return "?"
  return s ~ /^[A-Z][A-Z]?[A-Z]?[SD]T$/ && !index(WORDS, " " s " ") ? "?" : ""
}
BEGIN {
  KNOWN = " EST=-300 EDT=-240 MST=-420 MDT=-360 PST=-480 PDT=-420 AKST=-540 AKDT=-480 HST=-600 CET=60 CEST=120 MEZ=60" \
    " MESZ=120 EET=120 EEST=180 WET=0 WEST=60 MSK=180 JST=540 KST=540 AEST=600 AEDT=660 ACST=570 ACDT=630 AWST=480" \
    " NZST=720 NZDT=780 SAST=120 HKT=480 PKT=300 WIB=420 WITA=480 WIT=540 WAT=60 CAT=120 EAT=180 BRT=-180 ART=-180 "
  SEVERAL = " CST IST BST AST SST NST NDT ADT IDT CDT GST MSD AMT AMST AZT BDT BOT BRST BTT CHADT CHAST CKT CLT CLST" \
    " CVT CXT ECT EGT EGST FJT FKT FNT GALT GFT GILT GYT HADT HAST ICT IRDT IRKT IRST KGT KRAT LHST LHDT" \
    " MAGT MAWT MMT MVT MYT NCT NFT NPT NUT NOVT OMST ORAT PETT PGT PHT PMST PONT PWT PYT PYST SAMT" \
    " SBT SCT SGT SRT TAHT TFT TJT TKT TLT TMT TRT TVT ULAT UYT UZT VET VLAT VUT WAKT WFT WGT WGST YAKT YEKT "
  WORDS = " POST HOST TEST REST LIST FAST DIST LAST CAST COST MUST JUST BEST FIRST TRUST GUEST BURST QUEST "
  split(then, a, " "); then_name = a[2]; then = a[1]; split(here, a, " "); here_name = a[2]; here = a[1]
  if (then ~ /^z/) { then = shift(then); here = shift(here); soon = shift(soon) }
}
"""
