# Sets up the analytics platform's one host: sshd, PostgreSQL, three units of the application, nginx, nightly backups.
files=/example/machine

# Who comes in over SSH is ops, with the key that the stack has made. The server has its key from there too.
useradd -m ops -s /bin/sh
echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops
install -d -m 700 -o ops /home/ops/.ssh
install -m 600 -o ops /srv/ssh/key.pub /home/ops/.ssh/authorized_keys
rm /etc/ssh/ssh_host_*
install -m 600 /srv/ssh/host_key /etc/ssh/ssh_host_ed25519_key
systemctl restart ssh

# Disks: of its own only what may be filled.
small-disk /data 64M

cat >/etc/postgresql/15/main/conf.d/analytics.conf <<'CONF'
listen_addresses = '*'
max_connections = 60
fsync = off
CONF
echo 'host analytics all all scram-sha-256' >>/etc/postgresql/15/main/pg_hba.conf
systemctl start postgresql@15-main

# Secrets of this machine alone.
mkdir /etc/analytics
install -m 644 /srv/certificates/ca.pem /etc/analytics/
umask 027
random() { openssl rand -hex 12; }
password=$(random)
cat >/etc/analytics/env <<ENV
DATABASE_URL=postgresql://analytics:$password@127.0.0.1/analytics
MONITORING_TOKEN=monitoring-here
INTAKE_TOKEN=$(random)
ADMIN_TOKEN=$(random)
SLO_WINDOW=5 seconds
PROBE_URL=https://localhost/api/engines
CA_FILE=/etc/analytics/ca.pem
ALERTS_FILE=/var/log/analytics/alerts.jsonl
PYTHONDONTWRITEBYTECODE=1
ENV
cat >/etc/analytics/backup.env <<ENV
BUCKET_URL=http://localhost:9000/analytics-backups
BUCKET_KEY=analytics:any-here
ENV
umask 022

as_postgres() { runuser -u postgres -- psql -qX -v ON_ERROR_STOP=1 "$@"; }
as_postgres <<SQL
create role analytics login password '$password';
create role checks login password 'checks-here' in role pg_monitor;
create database analytics owner analytics;
SQL
{ echo 'set role analytics;'; cat /example/app/schema.sql; echo 'grant select on jobs to checks;'; } | as_postgres -d analytics

# Releases: the one that runs, one to deploy, and one with a fault, for the gate to refuse.
mkdir -p /opt/analytics/releases
for release in 2026.11.1 2026.11.2 2026.11.3; do cp -r /example/app "/opt/analytics/releases/$release"; done
sed -i 's/select name, jobs, newest/select name, jobs, latest/' /opt/analytics/releases/2026.11.3/web.py
chmod -R a+rX /opt/analytics
ln -s releases/2026.11.1 /opt/analytics/current

install -d -o www-data /var/log/analytics
install -o www-data /dev/null /var/log/analytics/alerts.jsonl
install -o www-data /dev/null /var/log/analytics/access.log.1
cp $files/nginx.conf /etc/nginx/nginx.conf
cp $files/*.service $files/*.timer /etc/systemd/system/
cp $files/backup $files/release /usr/local/sbin/
mkdir -p /srv/bucket/analytics-backups /var/backups/analytics

systemctl daemon-reload
systemctl start bucket nginx app-web backup.timer
curl -sS -o /dev/null -o /dev/null --retry 20 --retry-connrefused --retry-delay 1 http://127.0.0.1:8080 http://127.0.0.1:9000
systemctl start app-orchestrator app-intake backup

# The backups of the nights before.
cd /var/backups/analytics
today=$(date +%Y%m%d)
for days in $(seq 29); do
    night=$(date -d "$today - $days days" +%Y%m%d)
    cp "db_$today.sql.gz" "db_$night.sql.gz"
    cp "config_$today.tar.gz" "config_$night.tar.gz"
    touch -d "$night 01:00" ./*"_$night".*
done
