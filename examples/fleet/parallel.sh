#!/bin/sh
# The daily run in eight parts at once, by GNU parallel; with --sshloginfile and --return on other machines, too.
set -eu
opscheck announce daily --shards 8 --within 30m
seq 8 | parallel pytest -q -m daily --opscheck-shard {}/8 || true  # how a part ended stands in its file
exec opscheck merge daily
