# Sets up the machine on which Income Fortress's containers would run: a checkout, backups of the database, a disk of its
# own for data. `unit` writes a systemd unit from its standard input.
unit() { cat >"/etc/systemd/system/$1"; }

# The engine runs outside of this machine. This stands for its journal: what comes into the file is what it says.
touch /run/docker-says
unit docker.service <<'UNIT'
[Service]
ExecStart=/usr/bin/tail -n 0 -F /run/docker-says
UNIT

cat >/usr/local/bin/backup <<'SCRIPT'
#!/bin/sh
# usage: backup SERIES
set -eu
file=/srv/backups/$1_$(date +%Y%m%d_%H%M%S).dump
pg_dump -h db -U income -Fc -f "$file.part" income
mv "$file.part" "$file"
find /srv/backups -name "$1_*.dump" -mtime +6 -delete
SCRIPT
chmod +x /usr/local/bin/backup
unit backup@.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=/usr/local/bin/backup %i
UNIT
unit backup@daily.timer <<'UNIT'
[Timer]
OnCalendar=*-*-* 02:00:00 America/New_York
UNIT
unit backup@hourly.timer <<'UNIT'
[Timer]
OnCalendar=*:0/30
UNIT
date +%F >/srv/backups/last-restore-drill
date +%F >/srv/backups/last-recovery-drill

git init -q /opt/income-fortress
cd /opt/income-fortress
echo .env >.gitignore
(umask 077 && echo SECRET_KEY=for-this-stack-alone >.env)
git add .gitignore

small-disk /data 64M
systemctl daemon-reload
systemctl start docker backup@daily.timer backup@hourly.timer backup@daily backup@hourly
