#!/bin/sh
# pipeline.sh ENVIRONMENT: the whole pipeline on any machine with git and sh.
#
# COUNTERSIGN_URL and COUNTERSIGN_TOKEN say where to ask. More options for the gate may
# follow the environment, for example: ./pipeline.sh production --label hotfix
set -eu
cd "$(dirname -- "$0")"
environment=${1:?usage: pipeline.sh staging|production [GATE OPTION ...]}
shift

./tests/run.sh
commit=$(git rev-parse HEAD)
exec ./ci/countersign gate \
    --project "${COUNTERSIGN_PROJECT:-shop}" --environment "$environment" --action deploy \
    --commit "$commit" --ref "$(git symbolic-ref HEAD)" \
    --reason "$(git log -1 --format=%s)" --claim tests.passed=true \
    "$@" -- ./deploy.sh "$environment" "$commit"
