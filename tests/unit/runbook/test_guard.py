"""A command of a runbook is proposed to be run only where it is known to read, and nothing else."""

from __future__ import annotations

import pytest

from pytest_opscheck.runbook import guard, sql
from pytest_opscheck.runbook.guard import Kind

READS = """
df -h
free -m
uptime
sudo nginx -t
watch -n1 df -h
time curl https://shop.example.com/health
curl -fsS https://shop.example.com/health | jq .status
curl -s -o /dev/null -w '%{http_code}' https://shop.example.com/
curl -G --data-urlencode 'query=up' http://localhost:9090/api/v1/query
wget -qO- http://localhost/health
docker compose ps
docker-compose -f docker-compose.production.yml ps
docker compose logs --since 24h | grep ERROR | wc -l
docker compose logs --tail=0 > /dev/null
docker stats --no-stream
docker system df
docker inspect web
docker compose exec redis redis-cli INFO memory
docker compose exec worker celery -A shop inspect active_queues
docker compose exec -T db psql -U app -d shop -c "SELECT count(*) FROM pg_stat_activity"
docker compose exec api python manage.py migrate --check
python manage.py check --deploy
redis-cli -u "$REDIS_URL" PING
redis-cli -h cache -p 6379 config get maxmemory-policy
redis-cli --scan --pattern 'shop:*' | wc -l
psql "$DATABASE_URL" -c "SELECT 1"
psql -Atc "select count(*) from jobs where state = 'deleted'"
sudo -u postgres psql -c 'explain analyze select * from invoices'
ssh ops@web1 'df -h'
kubectl get pods
kubectl exec web -- df -h
systemctl status nginx
systemctl --failed
journalctl -u nginx --since "1 hour ago" | grep -ci error
ss -tlnp | grep 8080
gunzip -t /srv/backups/db.sql.gz
tar -tzf /srv/backups/files.tar.gz
pg_restore --list backups/$(ls -t backups/ | head -1)
openssl s_client -connect shop.example.com:443 </dev/null 2>/dev/null | openssl x509 -noout -dates
find /srv/backups -name '*.sql' -mtime +7
aws s3 ls s3://backups/
git log --oneline -5
crontab -l
ip addr show
awk '{print $1}' access.log
sed -n 1,5p access.log
"""
CHANGES = """
rm -rf /var/log/old
sudo rm x
bash -c 'rm -rf /'
ssh ops@web1 'sudo systemctl restart nginx'
kubectl exec web -- rm x
echo $(rm x)
echo `rm x`
ls | xargs rm
df -h && rm x
df -h; rm x
if true; then rm x; fi
for file in *; do rm $file; done
find / -exec rm {} \\;
find backups/ -name "*.sql" -mtime +7 -delete
docker compose restart api
docker-compose -f docker-compose.production.yml restart web
docker compose up -d --scale api=3
docker compose down
docker compose logs > /tmp/logs.txt
docker system prune -f
docker image prune -a
docker run --rm alpine df
docker exec web rm x
kubectl rollout restart deploy/web
kubectl delete pod web
helm upgrade web ./chart
systemctl restart nginx
systemctl reload nginx && nginx -t
nginx -t && nginx -s reload
service nginx restart
journalctl --vacuum-size=500M
certbot renew
celery -A shop purge
celery -A shop control shutdown
redis-cli FLUSHALL
redis-cli config set maxmemory-policy allkeys-lru
redis-cli BGSAVE
redis-cli DEL key
redis-cli --eval script.lua
psql -c "DROP DATABASE shop"
psql -c "update jobs set state = 'waiting'"
psql -c "select 1; delete from jobs"
psql -c "CREATE INDEX ix ON jobs (state)"
psql -c "VACUUM ANALYZE"
psql -c "select pg_terminate_backend(pid) from pg_stat_activity"
psql -c "select pg_stat_reset()"
psql -c "select pg_stat_statements_reset()"
psql -c "with x as (select pg_reload_conf()) select 1"
psql -c "explain analyze delete from jobs"
psql -c "select * into old from jobs"
psql -c "select * from jobs for update"
psql -c "select setval('jobs_id_seq', 1)"
psql -c 'select "pg_reload_conf"()'
psql -f migrate.sql
psql -c "select 1" -o /tmp/out
pg_dump shop > dump.sql
vacuumdb --all
createdb shop
python manage.py migrate
python manage.py create_tenant --name x
python manage.py clear_cache
./scripts/backup_database.sh
./deploy.sh
make deploy
ansible-playbook site.yml
terraform apply
curl -X POST https://shop.example.com/deploy
curl -d '{}' https://shop.example.com/
curl --request DELETE https://shop.example.com/users/1
curl -o /etc/nginx/nginx.conf https://shop.example.com/nginx.conf
wget https://shop.example.com/install.sh
git pull
git reset --hard
apt update
sed -i s/a/b/ file
tee /etc/hosts
uniq in out
sort -o out in
kill -9 4711
sysctl -w vm.swappiness=1
crontab -e
iptables -A INPUT -j DROP
aws s3 rm s3://backups/x
aws ec2 terminate-instances --instance-ids i-1
date -s 2026-01-01
mount /dev/sdb1 /mnt
truncate -s 0 app.log
"""
UNKNOWN = """
./scripts/whatever.sh
python -c "print(1)"
docker compose exec api python -c "from django.db import connection"
cat commands | sh
awk '{print > "out"}' in
psql
docker compose exec redis redis-cli
psql -c "select my_function()"
psql -c "select 1 \\\\g /tmp/out"
nc shop.example.com 25
echo "unclosed
env
/opt/shop/bin/df
"""


def cases(text: str, kind: Kind) -> list[object]:
    return [pytest.param(line, kind, id=line) for line in text.strip().splitlines()]


@pytest.mark.parametrize(
    ("command", "kind"), [*cases(READS, Kind.READS), *cases(CHANGES, Kind.CHANGES), *cases(UNKNOWN, Kind.UNKNOWN)]
)
def test_what_a_command_does(command: str, kind: Kind) -> None:
    assert guard.verdict(command).kind is kind, guard.verdict(command)


@pytest.mark.parametrize("command", READS.strip().splitlines())
@pytest.mark.parametrize(
    "harm", ["{}; rm x", "{} && docker compose down", "{} | xargs rm", "{} > /etc/passwd", "x=$(reboot) {}"]
)
def test_a_command_that_reads_does_not_hide_one_that_does_not(command: str, harm: str) -> None:
    assert not guard.verdict(harm.format(command)).reads


@pytest.mark.parametrize(
    ("statement", "reads"),
    [
        ("SELECT count(*) FROM t WHERE name = 'drop table x'", True),
        ("-- delete from t\nSELECT 1", True),
        ("WITH t (a) AS (SELECT 1) SELECT a FROM t", True),
        ("SHOW max_connections", True),
        ("\\dt", True),
        ("SELECT lo_import('/etc/passwd')", False),
        ("SELECT dblink_exec('delete from t')", False),
        ("DO $$ BEGIN DELETE FROM t; END $$", False),
        ("SELECT unknown_function(1)", None),
        ("\\i migrate.sql", None),
        ("\\! rm x", None),
    ],
)
def test_whether_a_statement_only_reads(statement: str, reads: bool | None) -> None:
    assert sql.verdict(statement).reads is reads
