from pytest_opscheck import check, tls


@check(
    tls.reachable,
    limit="== a certificate",
    severity="P0",
    suites=("*",),
    action="Ask by hand: {by_hand}",
)
def test_reachable(reachable, expect):
    """There is a certificate to read.

    From a handshake that trusts any certificate, after STARTTLS if the target has `starttls`; or from the target's
    `file`, which the host's user must be able to read. Every address of the name is checked, and each certificate is
    judged: a second server behind the name may have been forgotten. An address without a connection is named, and one
    with a connection and no certificate breaks the check. A server that requires a client certificate has shown its own
    before that (blackbox_exporter, issues 223 and 1474). `trusted` checks whether a client would trust it, and the
    service behind it needs its own check: nagios-plugins' check_http with a certificate check was ok for dead services.

    Needs: a connection to the server from where the check runs; for a file, permission to read it on its host.

    Example:
        [tls.mail]
        address = "mail.example.com:25"
        starttls = "smtp"
    """
    for place in reachable:
        expect(place.target, subject=place.subject, note=place.note)


@check(
    tls.certificate,
    limit={"P3": ">= 30d", "P2": ">= 7d", "P1": "> 0d"},
    suites=("smoke", "daily"),
    least=None,
    action="Renew the certificate, load it into the server, and see why its renewal did not run",
)
def test_days_left(certificate, expect):
    """The certificate is valid for long enough.

    The time until the end of the server's own certificate, or of one that links it to a trusted CA where that ends
    before, the root of that CA included: when an intermediate certificate expires, clients fail just the same
    (monitoring-plugins, issue 1636). Certificates that the server sends but nobody needs do not count, such as an
    expired root that has been replaced (blackbox_exporter, issues 340 and 637). Expired and untrusted certificates are
    judged too; in a file, the first one is the server's own.

    Needs: a connection to the server from where the check runs; for a file, permission to read it on its host.

    Example:
        [tls.api]
        address = "api.example.com:443"
        [tls.api.expect]
        days_left = { P3 = ">= 30d", P2 = ">= 7d" }
    """
    for each in certificate:
        of = f" of the {each.issuer}" if each.issuer else ""
        at = f" at {each.at}" if each.at else ""
        expect(each.days_left, "d", subject=f"time left{of}{at}")


@check(
    tls.trust,
    limit="== trusted",
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    action="See the chain: {by_hand}",
)
def test_trusted(trust, expect):
    """The certificate is trusted.

    Its chain ends at a CA that this machine (or the file `ca`) trusts, every part of it is valid today, and it contains
    the server's name. A file is judged by the same rules as the server that will load it. Without `server_name`, it may
    be the certificate of a client or of a CA, and its names are not judged.

    Needs: a connection to the server from where the check runs; for a file, permission to read it on its host. `ca`
    names the certificates of your own CA.

    Example:
        [tls.api]
        address = "api.example.com:443"
        [tls.api.expect]
        trusted = true
    """
    for each in trust:
        expect(each.state, subject=each.subject, why=each.why)


@check(
    tls.protocol,
    severity="P2",
    suites=("weekly",),
    units=("",),
    most="1.3",
    action="Allow newer versions only, for nginx: ssl_protocols TLSv1.2 TLSv1.3;",
)
def test_protocol(protocol, expect):
    """The server refuses old versions of TLS.

    The oldest of SSL 3.0 (a 0), TLS 1.0, 1.1, 1.2 and 1.3 that the server accepts, each offered alone, with the ciphers
    of its time. The handshakes are built without OpenSSL: the local OpenSSL may refuse old versions itself ("no
    protocols available"), which users of monitoring-plugins took for the server's refusal. A server that answers an
    offer with an alert, or hangs up, does not take it.

    Needs: a connection to the server from where the check runs.

    Example:
        [tls.api]
        address = "api.example.com:443"
        [tls.api.expect]
        protocol = ">= 1.2"
    """
    expect(protocol.number, subject="the oldest version taken", observed=protocol.oldest)
