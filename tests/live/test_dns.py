"""DNS, with BIND as the server of a signed zone and as a resolver that validates: each check red by its fault."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from .certificates import hosts, issue
from .conftest import Run
from .nameservers import SHOP, Zones, garbage, in_folder, late, losing, other_id, other_question, relay
from .processes import free_port

RESOLVER = free_port()


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zones]:
    zones = in_folder(tmp_path_factory.mktemp("dns") / "zones")
    with zones.served():
        yield zones


@pytest.fixture
def zones(serving: Zones) -> Iterator[Zones]:
    """The zones as they were before, and a resolver: one that has found signatures bogus remembers that for a while."""
    with serving.resolved(RESOLVER):
        yield serving
    serving.sign()


def target(name: str = "www.shop.test", *expect: str, of: str = "shop", resolver: object = None) -> str:
    resolver = f"127.0.0.1:{RESOLVER}" if resolver is None else resolver
    said = "".join(f"expect.{line}\n" for line in expect)
    return f'[dns.{of}]\nname = "{name}"\nresolver = {resolver!r}\n{said}'


def test_records_are_red_and_green_again_and_say_what_is_missing_and_unexpected(run: Run, zones: Zones) -> None:
    inventory = target(
        "Shop.Test.",
        "records = { A = '== {192.0.2.2, 192.0.2.1}', MX = 'contains {MAIL.shop.test.}', AAAA = '== {}',"
        " TXT = 'contains {v=spf1 include:_spf.example.com -all}', NS = '!= {}' }",
    ) + target("_imap._tcp.shop.test", "resolves = false", "records.SRV = '== {5 0 143 mail.shop.test}'", of="srv")
    zones.sign(SHOP.replace("192.0.2.2\n", "192.0.2.9\n").replace("10 Mail", "10 other"))
    outcome = run(inventory)
    assert outcome.verdict("dns.records@shop") == "breach P1"
    message = outcome.message("dns.records@shop")
    said = "A of Shop.Test is {192.0.2.1, 192.0.2.9} (missing 192.0.2.2; unexpected 192.0.2.9), expected "
    assert said + "{192.0.2.1, 192.0.2.2}" in message
    assert "MX of Shop.Test is {other.shop.test} (missing mail.shop.test), expected to contain" in message
    assert outcome.verdict("dns.resolves@shop") == "ok"
    zones.sign()
    outcome = run(inventory)
    assert outcome.exit_status == 0
    assert outcome.message("dns.resolves@shop") == "Shop.Test is an address (192.0.2.1, 192.0.2.2)"


def test_a_name_resolves_through_aliases_or_says_where_they_end(run: Run, zones: Zones) -> None:
    authority = f"127.0.0.1:{zones.port}"
    names = {"www.shop.test": "ok", "müller.shop.test": "ok", "_imap._tcp.shop.test": "breach P1"}
    names |= {"nothing.shop.test": "breach P1", "loose.shop.test": "breach P1"}
    inventory = "".join(target(name, of=f"n{place}") for place, name in enumerate(names))
    inventory += target("shop.plain.test", "records.A = 'contains {192.0.2.1}'", of="over", resolver=authority)
    inventory += target("away.shop.test", "records.A = '== {192.0.2.1}'", of="away", resolver=authority)
    inventory += target("www.sub.shop.test", "records.AAAA = '== {}'", of="refers", resolver=authority)
    outcome = run(inventory)
    assert outcome.verdict("dns.records@refers") == "unknown P1"
    assert "it only refers to other servers" in outcome.message("dns.resolves@refers")
    assert [outcome.verdict(f"dns.resolves@n{place}") for place in range(len(names))] == list(names.values())
    assert "is without an A or AAAA record, expected an address" in outcome.message("dns.resolves@n2")
    assert "nothing.shop.test is not in DNS (NXDOMAIN)" in outcome.message("dns.resolves@n3")
    said = "loose.shop.test is an alias of nowhere.shop.test, which is not in DNS (NXDOMAIN)"
    assert said in outcome.message("dns.resolves@n4")
    assert outcome.verdict("dns.records@over") == "ok"
    assert outcome.verdict("dns.records@away") == "unknown P1"
    assert "REFUSED" in outcome.message("dns.records@away")
    assert "(of www.elsewhere.test, to which it leads)" in outcome.message("dns.resolves@away")
    zones.sign(SHOP.replace("web IN CNAME shop.test.", "web IN CNAME www"))
    message = run(target(resolver=authority)).message("dns.resolves@shop")
    assert "CNAME loop: its aliases lead round in a circle" in message


def test_signatures_that_end_are_red_and_once_they_have_ended_the_chain_is_bogus(run: Run, zones: Zones) -> None:
    inventory = target("www.shop.test", "dnssec = '== valid'", "signatures_left = { P3 = '>= 5d', P1 = '> 0d' }")
    outcome = run(inventory)
    assert outcome.exit_status == 0
    assert outcome.message("dns.dnssec@shop") == "DNSSEC of www.shop.test is valid"
    zones.sign(ends="now+172800")
    outcome = run(inventory)
    assert outcome.verdict("dns.dnssec@shop") == "ok"
    assert outcome.verdict("dns.signatures_left@shop") == "breach P3"
    assert "time left of the signatures of shop.test is 2 d (of the " in outcome.message("dns.signatures_left@shop")
    zones.sign(ends="now-3600")
    outcome = run(inventory)
    assert outcome.verdict("dns.reachable@shop") == "ok"
    assert outcome.verdict("dns.resolves@shop") == "breach P1"
    assert "SERVFAIL" in outcome.message("dns.resolves@shop")
    assert outcome.verdict("dns.dnssec@shop") == "breach P1"
    assert "DNSSEC of www.shop.test is bogus" in outcome.message("dns.dnssec@shop")
    assert outcome.verdict("dns.signatures_left@shop") == "breach P1"


def test_only_a_resolver_that_validates_says_that_a_zone_is_valid(run: Run, zones: Zones) -> None:
    expect = "dnssec = '== valid'"
    inventory = target("plain.test", expect, "signatures_left = '> 0d'", of="plain")
    inventory += target("shop.test", expect, of="authority", resolver=f"127.0.0.1:{zones.port}")
    inventory += target("shop.plain.test", expect, of="partly")
    inventory += target("nothing.shop.test", expect, of="nothing")
    blind = free_port()
    with zones.resolved(blind, more="validate-except { shop.test; };"):
        outcome = run(inventory + target("shop.test", expect, of="blind", resolver=f"127.0.0.1:{blind}"))
    verdicts = {name: outcome.verdict(f"dns.dnssec@{name}") for name in ("plain", "authority", "partly", "nothing")}
    expected = {"plain": "breach P1", "authority": "unknown P1", "partly": "breach P1", "nothing": "ok"}
    assert verdicts == expected
    assert outcome["dns.dnssec@blind"]["verdict"] in ("breach", "unknown")
    assert "is unsigned (no signature came with its answer)" in outcome.message("dns.dnssec@plain")
    assert "without the mark (AD) of a resolver that validates" in outcome.message("dns.dnssec@authority")
    assert "is unsigned (nothing signs shop.plain.test)" in outcome.message("dns.dnssec@partly")
    assert outcome.verdict("dns.signatures_left@plain") == "unknown P2"
    assert "the zone is not signed, or the resolver leaves them out" in outcome.message("dns.signatures_left@plain")
    zones.sign(keys=zones.new_keys("others"))
    assert outcome_of_bogus(run) == ("breach P1", "breach P1")


def outcome_of_bogus(run: Run) -> tuple[str, str]:
    """Return what `dnssec` and `resolves` make of a zone that keys have signed that nobody vouches for."""
    outcome = run(target("shop.test", "dnssec = '== valid'"))
    return outcome.verdict("dns.dnssec@shop"), outcome.verdict("dns.resolves@shop")


def test_each_resolver_is_judged_and_one_that_is_silent_breaks_reachable_alone(run: Run, zones: Zones) -> None:
    silent = free_port()
    places = [f"127.0.0.1:{port}" for port in (RESOLVER, zones.port, silent)]
    inventory = target("shop.test", "records.A = '== {192.0.2.1, 192.0.2.2}'", "latency = '< 5s'", resolver=places)
    outcome = run(inventory)
    assert outcome.verdict("dns.reachable@shop") == "breach P0"
    assert f"127.0.0.1:{silent}: connection refused" in outcome.message("dns.reachable@shop")
    subjects = {each["subject"] for each in outcome["dns.records@shop"]["measurements"]}
    assert subjects == {f"A of shop.test at {place}" for place in places[:2]}
    assert [outcome.verdict(f"dns.{check}@shop") for check in ("records", "resolves", "latency")] == ["ok"] * 3
    with zones.resolved(silent):
        assert run(inventory).exit_status == 0
    outcome = run(
        target("shop.test", "records.A = '== {192.0.2.1}'", of="gone", resolver=f"127.0.0.1:{silent}")
        + target("elsewhere.test", "records.A = '== {192.0.2.1}'", of="refused", resolver=places[1])
        + target("elsewhere.test", "records.A = '== {192.0.2.1}'", of="failed")
    )
    assert outcome.message("dns.reachable@refused").startswith("dns.refused answers, but not as it should: ")
    assert outcome.verdict("dns.records@gone") == outcome.verdict("dns.records@refused") == "blocked"
    assert outcome.verdict("dns.reachable@failed") == "ok"
    assert outcome["dns.records@failed"]["blocked_by"] == "dns.resolves@failed"


def test_latency_is_red_where_answers_come_late(run: Run, zones: Zones) -> None:
    with relay(zones.port, late(0.3)) as port:
        said = ("latency = '< 200ms'",)
        outcome = run(target("shop.test", *said, resolver=f"127.0.0.1:{port}") + target("shop.test", *said, of="fast"))
    assert outcome.verdict("dns.latency@shop") == "breach P2"
    assert outcome.verdict("dns.latency@fast") == "ok"


def test_what_is_lost_is_asked_again_and_what_is_forged_is_not_believed(run: Run, zones: Zones) -> None:
    """A datagram with another id, another question, or that is not DNS at all may come from anybody."""
    dealt = {"lost": losing(), "id": other_id, "question": other_question, "garbage": garbage}
    limits = ("reachable = { timeout = '1.5s' }", "resolves = { timeout = '1.5s' }")
    with contextlib.ExitStack() as stack:
        ports = {name: stack.enter_context(relay(zones.port, deal)) for name, deal in dealt.items()}
        made = (target("shop.test", *limits, of=name, resolver=f"127.0.0.1:{port}") for name, port in ports.items())
        outcome = run("".join(made))
    assert outcome.verdict("dns.reachable@lost") == "ok"
    assert outcome.message("dns.reachable@lost") == "answers (at attempt 2)"
    for name in ("id", "question", "garbage"):
        assert outcome.verdict(f"dns.reachable@{name}") == "breach P0", name
        assert "no answer within 1.5 s" in outcome.message(f"dns.reachable@{name}")


def test_what_is_too_long_for_a_datagram_is_asked_for_over_tcp_and_tls_is_verified(
    run: Run, zones: Zones, tmp_path: Path
) -> None:
    many = [f"192.0.2.{number}" for number in range(100, 180)]
    zones.sign(SHOP + "".join(f"many IN A {each}\n" for each in many))
    authority = issue("localhost", names=hosts("localhost"))
    file, port = authority.write(tmp_path / "resolver.pem"), free_port()
    listen = f'tls own {{ cert-file "{file}"; key-file "{file}"; }};\n'
    expect = f"records.A = '== {{{', '.join(many)}}}'"
    secure = f'[dns.NAME]\nname = "many.shop.test"\nresolver = "localhost:{port}"\ntransport = "tls"\n'
    trusted = secure.replace("NAME", "tls") + f'ca = "{file}"\nexpect.{expect}\n'
    plain = target("many.shop.test", expect)
    over_tcp = target("many.shop.test", expect, of="tcp").replace("expect.", 'transport = "tcp"\nexpect.')
    with zones.resolved(free_port(), more=f"listen-on port {port} tls own {{ 127.0.0.1; }};", listen=listen):
        outcome = run(plain + over_tcp + trusted + secure.replace("NAME", "untrusted"))
    for name in ("shop", "tcp", "tls"):
        assert outcome.verdict(f"dns.records@{name}") == "ok", outcome.output
    assert outcome.verdict("dns.reachable@untrusted") == "breach P0"
    assert "its certificate is not trusted" in outcome.message("dns.reachable@untrusted")


def test_a_check_of_your_own_compares_sets(run: Run, zones: Zones, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_own.py").write_text(
        "import pytest\n\n@pytest.mark.daily\ndef test_hosts(dns, expect):\n"
        "    expect(dns.records('MX'), subject='MX', limit={'P3': '== {mail.shop.test}'})\n"
    )
    outcome = run(target("shop.test"), "test_own.py")
    (result,) = (each for key, each in outcome.results.items() if "hosts" in key)
    said = "MX is {10 mail.shop.test} (missing mail.shop.test; unexpected 10 mail.shop.test), expected "
    assert result["message"] == f"{said}{{mail.shop.test}}"


def test_what_an_inventory_cannot_mean(run: Run) -> None:
    said = ("FOO = '== {a}'", "TXT = '~ spf'", "MX = 5", "MX = 'contains {a b c}'", "A = '== {192.0.2.300}'")
    targets = [target("shop.test", f"records = {{ {each} }}", of=f"r{place}") for place, each in enumerate(said)]
    outcome = run(target("a b.test", resolver="127.0.0.1:x") + target(of="none", resolver=[]) + "".join(targets))
    assert outcome.exit_status == 4
    for why in (
        "is not a name in DNS; write for example 'shop.example.com'",
        "'127.0.0.1:x' is not a resolver; write for example '1.1.1.1', '127.0.0.1:5353' or '[::1]:53'",
        "it is a list of 1 to 16 resolvers; leave it out for this machine's",
        "A: '192.0.2.300' is not a record of type A: text input is malformed; write for example '192.0.2.1'",
        "'FOO' is not a type of records; write for example A, AAAA, CNAME, MX, NS, SRV or TXT",
        "TXT: '~ spf' is not for a set, and records are one; say '== {a, b}'",
        "MX: '== 5' is not for a set, and records are one; say '== {mail.example.com}'",
        "MX: 'a b c' is not a record of type MX",
    ):
        assert why in " ".join(outcome.output.split()), outcome.output
