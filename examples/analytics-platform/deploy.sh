#!/bin/sh
# usage: deploy.sh RELEASE - makes a release of the host's current, runs the gate, and goes back where that is not green.
# The gate's exit status is the script's: 0 deployed, anything else rolled back.
set -eu
cd "$(dirname "$0")"
on_host() { ssh -F state/ssh/config analytics-platform "$@"; }

before=$(on_host readlink /opt/analytics/current)
before=${before##*/}
status=1
end() {
    [ "$status" = 0 ] || { echo "going back to $before"; on_host sudo release "$before"; }
    exit "$status"
}
trap end EXIT
trap 'exit 1' HUP INT TERM

on_host sudo release "$1"
if "${PYTHON:-python3}" -m pytest -m deploy_gate; then status=0; else status=$?; fi
