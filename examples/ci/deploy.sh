#!/bin/sh
# Deploys a version, and goes by the gate's exit status: it rolls back by itself where the gate says so, and asks a person
# where it can't tell.
#
#   ./deploy.sh 1.5
#
# What is yours is ./release: `./release 1.5` has that version run, and `./release` alone says which one runs.
set -u
trap : INT TERM HUP  # whoever ends this ends the gate, and is then told what to do: it goes on behind that

say() { printf 'deploy: %s\n' "$*"; }

new=${1:?the version to deploy}
old=$(./release) || { say "./release does not say which version runs"; exit 4; }
rm -f gate.json gate.xml gate.env  # of the last deploy

roll_back() {
    if ./release "$old"; then
        say "rolled back to $old"
    else
        say "COULD NOT ROLL BACK to $old: $new may still run, and it is broken"
    fi
}

a_person_decides() {  # a_person_decides WHY: asks who sits there; in a pipeline nobody does, and the new version stays
    say "$1"
    answer=
    if [ -t 0 ]; then
        printf 'roll back to %s? [y/N] ' "$old"
        read -r answer
    fi
    case $answer in
        [yY]*) roll_back ;;
        *) say "$new stays; to roll back: ./release $old" ;;
    esac
}

# Without a baseline nothing is deployed: afterwards nobody could tell what the deploy has broken.
opscheck gate before || { status=$?; say "no baseline, so nothing was deployed"; exit "$status"; }

# A release that fails half-way is no version to watch.
./release "$new" || { say "$new could not be released"; roll_back; exit 1; }

opscheck gate after --version "$new" --json gate.json --junit gate.xml --dotenv gate.env
status=$?

case $status in
    0) say "$new runs" ;;
    1) roll_back ;;
    2) a_person_decides "the gate was interrupted before it could tell" ;;
    3) say "$new runs, but the decision could not be written; see above" ;;
    4) a_person_decides "the gate was called with a wrong argument, inventory or baseline" ;;
    5) a_person_decides "the gate judged nothing" ;;
    6) a_person_decides "the gate is undecided" ;;
    *) a_person_decides "the gate was killed (status $status)" ;;
esac
exit "$status"
