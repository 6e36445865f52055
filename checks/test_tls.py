from pytest_opscheck import check, tls


@check(
    tls.reachable,
    limit="== TLS",
    severity="P0",
    suites=("*",),
    action="Ask by hand: openssl s_client -connect {target}",
)
def test_reachable(reachable, expect):
    """The server speaks TLS.

    A handshake that trusts any certificate; whether a client would trust it is said by `trusted`.
    """
    expect(reachable.target)


@check(
    tls.certificate,
    limit={"P3": ">= 30d", "P2": ">= 7d", "P1": "> 0d"},
    suites=("smoke", "daily"),
    action="Renew the certificate, load it into the server, and see why its renewal did not run",
)
def test_days_left(certificate, expect):
    """The certificate is valid for long enough.

    The time until the end of the server's own certificate, which is also read where it is expired or not trusted.
    """
    expect(certificate.days_left, "d", subject="time left")


@check(
    tls.trust,
    limit="== trusted",
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    action="See the chain: openssl s_client -connect {target} -showcerts",
)
def test_trusted(trust, expect):
    """The certificate is trusted.

    Its chain ends at a CA that this machine (or the file `ca`) trusts, every part of it is valid today, and it bears
    the server's name.
    """
    expect(trust.state, subject=f"the certificate for {trust.name}")
