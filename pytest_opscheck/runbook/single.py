"""What single programs do by how they are called: curl asks or sends, tar lists or unpacks."""

from __future__ import annotations

import re
from collections.abc import Callable

from . import sessions
from .shell import Command
from .verdicts import ACTING, READS, Kind, Verdict, if_without, only_with, without_options

QUIET = re.compile(r"/dev/(?:null|stdout|stderr|tty)|-")
_ASKS = frozenset(("GET", "HEAD", "OPTIONS"))


def _curl(command: Command) -> Verdict:
    method = command.option("-X", "--request")
    if method is not None and method.upper() not in _ASKS:
        return Verdict(Kind.CHANGES, f"curl -X {method}")
    sends = ("-d", "--data", "-F", "--form", "-T", "--upload-file", "--json", "-K", "--config")
    if sent := next((arg for arg in command.args if arg.startswith(sends) and arg != "-G"), None):
        return (
            READS
            if command.has("-G", "--get") and sent.startswith(("-d", "--data"))
            else Verdict(Kind.CHANGES, f"curl {sent}")
        )
    kept = command.option("-o", "--output")
    if command.has("-O", "--remote-name") or (kept and not QUIET.fullmatch(kept)):
        return Verdict(Kind.CHANGES, "curl -o")
    return READS


def _wget(command: Command) -> Verdict:
    if any(arg.startswith(("--post", "--method", "--body")) for arg in command.args):
        return Verdict(Kind.CHANGES, "wget --post")
    quiet = re.compile(r"-\w*O-?|--spider|--output-document=-")
    shown = any(quiet.fullmatch(arg) for arg in command.args) and not any(
        re.fullmatch(r"[\w./]+\.\w+", arg) for arg in command.plain()[1:]
    )
    return READS if shown else Verdict(Kind.CHANGES, "wget")


def _awk(command: Command) -> Verdict:
    scripts = " ".join(command.args)
    return (
        Verdict(Kind.UNKNOWN, "awk")
        if re.search(r"system\s*\(|getline|print[^}]*>|\|\s*\"|-f\b|-i\b", scripts)
        else READS
    )


def _sed(command: Command) -> Verdict:
    if any(re.match(r"-\w*i|--in-place|-\w*f|--file", arg) for arg in command.args):
        return Verdict(Kind.CHANGES, "sed -i")
    script = " ".join(command.plain()[:1])
    return (
        Verdict(Kind.UNKNOWN, "sed") if re.search(r"(?:^|[;}/0-9g])\s*[wWe](?:\s|$)|/[gp0-9]*[we]", script) else READS
    )


def _service(command: Command) -> Verdict:
    return (
        READS
        if command.args[-1:] == ("status",) or "--status-all" in command.args
        else Verdict(Kind.CHANGES, "service")
    )


def _nc(command: Command) -> Verdict:
    return (
        READS if any(re.fullmatch(r"-\w*z\w*", arg) for arg in command.args) else Verdict(Kind.UNKNOWN, "nc without -z")
    )


def _tar(command: Command) -> Verdict:
    first = command.args[0] if command.args else ""
    lists = re.fullmatch(r"-?[a-zA-Z]*t[a-zA-Z]*", first) and not re.search(r"[xcru]", first)
    return READS if lists or command.has("--list", "-t") else Verdict(Kind.CHANGES, "tar")


def _cloud(command: Command) -> Verdict:
    words = without_options(command.args)
    asks = re.compile(r"(?:describe|get|list|show|head|wait)(?:$|-)|ls$|list$")
    verbs = words[:4]
    if any(asks.match(word) for word in verbs) and not any(ACTING.search(word) for word in verbs[:2]):
        return READS
    return Verdict(Kind.CHANGES, " ".join([command.program, *verbs]))


def _openssl(command: Command) -> Verdict:
    asks = command.args[:1] in (("s_client",), ("x509",), ("verify",), ("version",), ("ciphers",), ("crl",))
    return READS if asks and not command.has("-out", "-signkey", "-keyout") else Verdict(Kind.CHANGES, "openssl")


def _sysctl(command: Command) -> Verdict:
    sets = any(arg in ("-w", "-p", "--write", "--system") or "=" in arg for arg in command.args)
    return Verdict(Kind.CHANGES, "sysctl -w") if sets else READS


def _journalctl(command: Command) -> Verdict:
    acts = ("--vacuum", "--rotate", "--flush", "--sync", "--relinquish", "--setup-keys", "--update-catalog")
    return if_without(*acts)(command)


def _ip(command: Command) -> Verdict:
    acts = {"add", "del", "delete", "set", "flush", "change", "replace", "exec"}
    return Verdict(Kind.CHANGES, "ip") if acts & set(command.args) else READS


def _date(command: Command) -> Verdict:
    sets = command.has("-s", "--set") or any(re.fullmatch(r"[0-9]{8,}", arg) for arg in command.args)
    return Verdict(Kind.CHANGES, "date -s") if sets else READS


def _hostname(command: Command) -> Verdict:
    return Verdict(Kind.CHANGES, "hostname") if command.plain() else READS


def _unless_list(command: Command) -> Verdict:
    return READS if command.args == ("-l",) or command.args[-1:] == ("-l",) else Verdict(Kind.CHANGES, command.program)


BY_PROGRAM: dict[str, Callable[[Command], Verdict]] = {
    "apachectl": only_with("configtest", "-t", "-S", "-v", "status"),
    "apache2ctl": only_with("configtest", "-t", "-S", "-v", "status"),
    "aws": _cloud,
    "awk": _awk,
    "az": _cloud,
    "bzip2": only_with("-t", "--test"),
    "celery": sessions.of_celery,
    "crontab": _unless_list,
    "curl": _curl,
    "date": _date,
    "dmesg": if_without("-c", "-C", "--clear", "--read-clear", "-n", "-D", "-E"),
    "doveadm": only_with("who", "mailbox"),
    "exim": only_with("-bp", "-bpc"),
    "gawk": _awk,
    "gcloud": _cloud,
    "gunzip": only_with("-t", "--test", "-l", "-tv", "-vt"),
    "gzip": only_with("-t", "--test", "-l", "-tv", "-vt"),
    "haproxy": only_with("-c", "-v"),
    "host": lambda _command: READS,
    "hostname": _hostname,
    "http": lambda command: (
        READS
        if command.args[:1] != ("POST",) and not any("=" in arg for arg in command.args)
        else Verdict(Kind.CHANGES, "http")
    ),
    "httpd": only_with("-t", "-S", "-v"),
    "ifconfig": lambda command: READS if len(command.args) <= 1 else Verdict(Kind.CHANGES, "ifconfig"),
    "ip": _ip,
    "iptables": only_with("-L", "-nL", "-S", "--list", "-nvL", "-vnL"),
    "journalctl": _journalctl,
    "logrotate": only_with("-d", "--debug"),
    "lz4": only_with("-t", "--test"),
    "mdadm": only_with("--detail", "-D", "--examine"),
    "mongosh": lambda _command: Verdict(Kind.UNKNOWN, "mongosh"),
    "mount": lambda command: Verdict(Kind.CHANGES, "mount") if command.plain() else READS,
    "mysql": sessions.of_psql,
    "mariadb": sessions.of_psql,
    "nc": _nc,
    "ncat": _nc,
    "nginx": only_with("-t", "-T", "-v", "-V", "-tq"),
    "php-fpm": only_with("-t", "-v"),
    "named-checkconf": lambda _command: READS,
    "openssl": _openssl,
    "pg_restore": lambda command: (
        READS
        if command.has("-l", "--list") and not command.has("-d", "--dbname", "-f", "--file")
        else Verdict(Kind.CHANGES, "pg_restore")
    ),
    "postfix": only_with("check", "status"),
    "postqueue": only_with("-p", "-j"),
    "psql": sessions.of_psql,
    "python": sessions.of_python,
    "python3": sessions.of_python,
    "manage.py": sessions.of_manage,
    "./manage.py": sessions.of_manage,
    "redis-cli": sessions.of_redis_cli,
    "valkey-cli": sessions.of_redis_cli,
    "sed": _sed,
    "service": _service,
    "smartctl": if_without("-s", "-t", "-X", "--smart", "--test"),
    "sort": if_without("-o", "--output"),
    "sshd": only_with("-t", "-T"),
    "swapon": only_with("--show", "-s"),
    "sysctl": _sysctl,
    "tar": _tar,
    "timedatectl": lambda command: (
        READS
        if command.plain()[:1] in ((), ("status",), ("show",), ("timesync-status",))
        else Verdict(Kind.CHANGES, "timedatectl")
    ),
    "rg": if_without("--pre"),
    "sar": if_without("-o"),
    "tree": if_without("-o"),
    "uniq": lambda command: Verdict(Kind.CHANGES, "uniq") if len(command.plain()) > 1 else READS,
    "yq": if_without("-i", "--inplace"),
    "unzip": only_with("-t", "-l", "-v", "-Z"),
    "visudo": only_with("-c"),
    "wget": _wget,
    "xz": only_with("-t", "--test", "-l"),
    "zstd": only_with("-t", "--test", "-l"),
}
"""Programs that read or write by how they are called."""
