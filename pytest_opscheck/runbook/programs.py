"""Programs that runbooks name: those that only read, as they are called, and those that change something."""

from __future__ import annotations

from .bags import bag

ALWAYS = bag(
    """
    df free uptime vmstat iostat mpstat ps pgrep ss netstat lsof ls stat du cat head tail less more zcat zless
    grep egrep fgrep zgrep wc cut tr column nl rev tac cmp diff whoami id uname nproc lscpu lsblk lsmod lspci
    dig nslookup getent ping ping6 traceroute tracepath mtr pg_isready sha256sum sha1sum md5sum cksum last
    lastlog who w printenv which whereis type basename dirname readlink realpath file echo printf true false
    test [ [[ seq sleep top htop iotop nethogs glances pidof pstree ntpq mailq groups locale numfmt bc expr jq
    base64 hexdump od strings zdump tty cal docker-credential-ls pg_lsclusters pg_config psql-version whois cd
    pwd finger date-u
    """
)
"""Programs that read, however they are called: what they write goes to their output."""

ENDLESS = bag("top htop iotop nethogs glances less more watch sleep mtr")
"""Of these, those that go on until somebody ends them."""

SUBCOMMANDS: dict[str, frozenset[str]] = {
    "systemctl": bag(
        "status is-active is-enabled is-failed is-system-running list-units list-timers list-unit-files list-sockets "
        "list-dependencies show cat help"
    ),
    "docker": bag("ps stats logs inspect version info images top port diff events history search"),
    "podman": bag("ps stats logs inspect version info images top port diff events history"),
    "docker-compose": bag("ps logs top config images version ls events port stats"),
    "kubectl": bag("get describe logs top version cluster-info explain api-resources events diff"),
    "oc": bag("get describe logs status version whoami"),
    "helm": bag("list ls status history get show version"),
    "git": bag("status log show rev-parse diff describe ls-files ls-tree ls-remote blame shortlog"),
    "supervisorctl": bag("status pid avail"),
    "rabbitmqctl": bag(
        "status cluster_status list_queues list_connections list_channels list_consumers list_users list_vhosts "
        "list_exchanges list_bindings list_permissions node_health_check ping"
    ),
    "rabbitmq-diagnostics": bag("status ping check_running check_alarms check_local_alarms memory_breakdown"),
    "chronyc": bag("tracking sources sourcestats activity"),
    "certbot": bag("certificates"),
    "pgbackrest": bag("info check version"),
    "supervisor": bag("status"),
    "pm2": bag("list ls status show info logs describe jlist"),
    "consul": bag("members info"),
    "nomad": bag("status"),
    "vault": bag("status"),
    "promtool": bag("check query"),
    "zpool": bag("status list"),
    "zfs": bag("list get"),
    "ufw": bag("status"),
    "mysqladmin": bag("ping status version extended-status processlist"),
    "brew": bag("list info"),
    "loginctl": bag("list-sessions show-session"),
    "aws": frozenset(),
    "gcloud": frozenset(),
    "az": frozenset(),
}
"""Programs with subcommands, and those of these that only read."""

DEEPER: dict[tuple[str, str], frozenset[str]] = {
    ("docker", "system"): bag("df info events"),
    ("docker", "volume"): bag("ls inspect"),
    ("docker", "network"): bag("ls inspect"),
    ("docker", "image"): bag("ls inspect history"),
    ("docker", "container"): bag("ls inspect logs stats top port diff"),
    ("docker", "node"): bag("ls inspect ps"),
    ("docker", "service"): bag("ls inspect logs ps"),
    ("docker", "stack"): bag("ls ps services"),
    ("docker", "swarm"): frozenset(),
    ("docker", "context"): bag("ls inspect show"),
    ("kubectl", "rollout"): bag("status history"),
    ("kubectl", "auth"): bag("can-i"),
    ("kubectl", "config"): bag("view current-context get-contexts"),
    ("git", "branch"): frozenset(),
    ("celery", "inspect"): bag(
        "active active_queues clock conf memdump memsample objgraph ping query_task registered report reserved revoked "
        "scheduled stats"
    ),
}
"""The same, a word deeper."""

CHANGES = bag(
    """
    rm rmdir mv cp ln mkdir touch chmod chown chgrp kill pkill killall reboot shutdown halt poweroff init dd
    mkfs fdisk parted mkswap swapoff truncate shred nano vi vim emacs ed code sudoedit visudo scp sftp rsync ftp
    apt apt-get yum dnf apk pacman snap brew pip pip3 pipx poetry npm yarn pnpm npx gem bundle composer cargo go
    make ansible ansible-playbook terraform tofu pulumi packer createdb dropdb createuser dropuser vacuumdb
    reindexdb clusterdb pg_dump pg_dumpall pg_basebackup pg_ctl pg_ctlcluster initdb pg_rewind pg_resetwal
    pgbench mysqldump mysqlimport mongodump mongorestore useradd userdel usermod passwd chpasswd groupadd su
    mount umount fsck resize2fs lvextend lvcreate growpart gunicorn uwsgi mail sendmail patch install tee
    crontab logger wall write at batch setfacl chattr swapon modprobe sync export source . set unset cap kamal
    fly flyctl heroku vercel eksctl restic borg borgmatic duplicity rclone s3cmd mc openvpn wg-quick ifup ifdown
    iptables nft nmcli hostnamectl localectl deploy rollback flask rails rake bin/rails artisan dbmate alembic
    flyway liquibase goose migrate
    """
)
"""Programs that change something, however they are called but for what `guard` knows to be a look."""
