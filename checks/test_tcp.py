from pytest_opscheck import check, tcp


@check(
    tcp.reachable,
    limit="== a connection",
    severity="P0",
    suites=("*",),
    action="Connect by hand from where the check runs, with nc or telnet, to {target}",
)
def test_reachable(reachable, expect):
    """The server takes connections.

    At the first address of its name that does; the others before it are named. With `tls = true`, after a handshake
    with a certificate that is trusted and bears the name. A load balancer takes connections also where no server is
    behind it (blackbox_exporter, issue 13): `banner` and `answer` tell.

    Needs: to reach the server from where the check runs.

    Example:
        [tcp.smtp]
        address = "mail.example.com:25"
    """
    expect(reachable.target, note=reachable.note)


@check(
    tcp.banner,
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    units=("text",),
    action="Read by hand, with nc or telnet, what {target} says; then see which server listens there",
)
def test_banner(banner, expect):
    """The server greets as expected.

    The first line that it says by itself, without the end of the line, in UTF-8 or else Latin-1. One that says nothing
    in time, does not end its line, or does not speak in lines of text is unknown; at most 65,536 bytes are read.

    Needs: a server that speaks first, as those of SMTP, SSH, FTP, POP and IMAP do.

    Example:
        [tcp.smtp]
        address = "mail.example.com:25"
        [tcp.smtp.expect]
        banner = "~ ^220 "
    """
    expect(banner.text, subject="banner", observed=banner.shown, why=None if banner.text else "its line is empty")


@check(
    tcp.answer,
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    units=("text",),
    action="Ask {target} by hand, with nc or telnet; then see what the log of the server says",
)
def test_answer(answer, expect):
    """The server answers a line as expected.

    `send` is sent, with CR and LF behind it unless it ends with a line feed of its own, and the first line of the
    answer is judged, as that of `banner` is. `after_banner = true` is for a server that greets first: the first line of
    its greeting is read before anything is sent. What is sent is asked of a real server: let it be a question.

    Needs: a protocol of lines, and a question that changes nothing there.

    Example:
        [tcp.cache]
        address = "127.0.0.1:6379"
        [tcp.cache.expect]
        answer = { send = "PING", limit = "== +PONG" }
    """
    expect(answer.text, subject="answer", observed=answer.shown, why=None if answer.text else "its line is empty")


@check(
    tcp.latency,
    suites=("smoke", "daily"),
    units=("s",),
    action="Connect a few times by hand, then see the network on the way, and whether the server's backlog is full",
)
def test_latency(latency, expect):
    """The server takes connections fast enough.

    The time of connecting, once the name is known; with `tls = true`, up to the end of the handshake. It is measured
    when nothing else is read.

    Needs: to reach the server from where the check runs.

    Example:
        [tcp.smtp]
        address = "mail.example.com:25"
        [tcp.smtp.expect]
        latency = "< 100ms"
    """
    expect(latency, "ms", subject="latency")
