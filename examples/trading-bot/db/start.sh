# PostgreSQL on a disk of its own, so that filling it harms nobody. Root mounts that disk; the server runs as postgres.
set -eu
disk=/var/lib/disk
mount=/var/lib/postgresql/data
export PGDATA=$mount/15
as_postgres() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }

if [ ! -e $disk ]; then
    truncate -s 512M $disk
    mkfs.ext4 -q -m 0 $disk
fi
# Whichever of them is free: mount finds out, the container only has to have it.
for number in $(seq 0 63); do mknod "/dev/loop$number" b 7 "$number"; done
mkdir -p $mount
mount -o loop $disk $mount

if [ ! -e $PGDATA ]; then
    install -d -o postgres -g postgres -m 0700 $PGDATA
    as_postgres initdb -A trust --no-sync --locale=C.UTF-8 >/dev/null
    echo 'host all all all trust' >> $PGDATA/pg_hba.conf
    echo "shared_preload_libraries = 'pg_stat_statements'" >> $PGDATA/postgresql.conf
    as_postgres pg_ctl -s -w -o '-c listen_addresses= -c fsync=off' start
    as_postgres psql -q -v ON_ERROR_STOP=1 -f /srv/db/schema.sql
    as_postgres pg_ctl -s -w stop
fi
python3 /srv/db/metrics.py &
exec setpriv --reuid postgres --regid postgres --init-groups postgres -c 'listen_addresses=*' -c max_connections=40
