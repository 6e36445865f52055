from pytest_opscheck import NEEDED, check, dns
from pytest_opscheck.probes.dns._records import RecordLimits, numbered


@check(
    dns.reachable,
    limit="== answers",
    severity="P0",
    suites=("*",),
    action="Ask the resolver by hand from where the check runs: {by_hand}",
)
def test_reachable(reachable, expect):
    """The resolvers answer.

    Each one is asked for the name: over UDP up to three times, and again over TCP where the answer is cut short. No
    answer, REFUSED, and what is not DNS are told apart. That there is no such name (NXDOMAIN) is an answer, and so is
    SERVFAIL: what is wrong with the name then, `resolves` and `dnssec` say. An answer with another id, to another
    question or from elsewhere is not believed. The other checks ask those that answer. Without `resolver` these are the
    nameservers of /etc/resolv.conf; its other settings and /etc/hosts are not used.

    Needs: to reach the resolver from where the check runs, and to be one of those whom it answers.

    Example:
        [dns.shop]
        name = "shop.example.com"
        resolver = ["1.1.1.1", "9.9.9.9"]
    """
    for each in reachable:
        expect(each.target, subject=each.subject, note=each.note)


@check(
    dns.resolves,
    limit="== an address",
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    action="Ask by hand: dig {target} A; dig {target} AAAA; then see its zone",
)
def test_resolves(resolves, expect):
    """The name leads to an address.

    It has an A or an AAAA record, also through aliases (CNAME): those that a server does not follow are asked for one
    by one. Of a name that is meant to have none, such as a zone for mail alone, say `resolves = false`.

    Needs: a resolver that knows the name.

    Example:
        [dns.shop]
        name = "shop.example.com"
    """
    for each in resolves:
        expect(each.state, subject=each.subject, why=each.why, note=each.note)


@check(
    dns.record_sets,
    severity="P1",
    suites=("daily",),
    units=("set",),
    takes="records",
    asks={"types": numbered},
    action="Ask by hand: dig {target} and the type; then see its zone, and whether every server has the newest one",
)
def test_records(record_sets, expect, *, records: RecordLimits = NEEDED):
    """The name has the expected records.

    Limits over sets, by the type of record: `== {192.0.2.1}` expects just these, `contains {...}` at least these,
    `within {...}` no others, `== {}` none. Names are compared without regard to case, the last dot and the way in
    which letters beyond ASCII are written, addresses by what they mean, and the parts of a TXT record are joined. An
    MX or SRV record is compared by its host alone, unless a limit names its numbers: `== {10 mail.example.com}`.
    Aliases are followed, unless the type is CNAME (goss, issue 605).

    Needs: a resolver that knows the name.

    Example:
        [dns.shop]
        name = "example.com"
        [dns.shop.expect]
        records = { A = "== {192.0.2.1, 192.0.2.2}", MX = "contains {mail.example.com}", AAAA = "== {}" }
    """
    for each in record_sets:
        expect(each.found, subject=each.subject, limit=records[each.of], why=each.why, note=each.note)


@check(
    dns.dnssec,
    severity="P1",
    suites=("daily",),
    units=("text",),
    action="See where the chain breaks: delv {target}; then sign the zone again, or correct the DS at its parent",
)
def test_dnssec(dnssec, expect):
    """The zone's signatures are valid.

    As the resolver that is asked has found: `valid` where it marks its answer as validated (AD) and every part of it
    came with a signature, `bogus` where it withholds the answer until it is told not to check, `unsigned`, or `not
    vouched for` where the parent zone has no DS. Name a resolver that validates, and whose answers nobody can change on
    the way: this machine's own, or one over `transport = "tls"`. One that passes signatures on without a word of its
    own is unknown.

    Needs: a resolver that validates, and that you trust.

    Example:
        [dns.shop]
        name = "shop.example.com"
        resolver = "127.0.0.1"
        [dns.shop.expect]
        dnssec = "== valid"
    """
    for each in dnssec:
        expect(each.state, subject=each.subject, why=each.why)


@check(
    dns.signatures_left,
    severity="P2",
    suites=("daily",),
    units=("d",),
    least=None,
    action="Sign the zone again, and see why what does that has not run: rndc signing -list, or its timer",
)
def test_signatures_left(signatures_left, expect):
    """The zone's signatures are valid for long enough.

    The time until the first of the signatures ends that the zone's SOA, NS and DNSKEY records have, and the name's own
    addresses, or the proof that there are none. Of several signatures of the same records the last one counts. They are
    read without being checked: also expired ones have an end.

    Needs: a resolver that passes signatures on.

    Example:
        [dns.shop]
        name = "shop.example.com"
        [dns.shop.expect]
        signatures_left = { P3 = ">= 5d", P1 = ">= 2d" }
    """
    for each in signatures_left:
        expect(each.days, "d", subject=each.subject, why=each.why, note=each.note)


@check(
    dns.latency,
    suites=("smoke", "daily"),
    units=("s",),
    action="Ask a few times by hand, then see what the resolver is busy with: {by_hand}",
)
def test_latency(latency, expect):
    """The resolvers answer fast enough.

    The time of one question, which another one before it has let the resolver answer from its memory; over TCP and TLS
    with the connection that it needs. It is measured when nothing else is read, one resolver after the other. A
    question that is lost is unknown.

    Needs: a resolver that answers.

    Example:
        [dns.shop]
        name = "shop.example.com"
        [dns.shop.expect]
        latency = "< 50ms"
    """
    for each in latency:
        expect(each.ms, "ms", subject=each.subject, why=each.why)
