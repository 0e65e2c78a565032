#!/bin/sh
# deploy.sh ENVIRONMENT COMMIT: unpacks the commit into deployed/ENVIRONMENT/release.
#
# deployed/ENVIRONMENT/commit then holds the commit, deployed/ENVIRONMENT/log one line per
# deployment with the permit that allowed it. DEPLOY_TO names another folder than deployed.
set -eu
environment=${1:?usage: deploy.sh ENVIRONMENT COMMIT}
commit=${2:?usage: deploy.sh ENVIRONMENT COMMIT}
place=${DEPLOY_TO:-deployed}/$environment

git rev-parse --quiet --verify "$commit^{commit}" >/dev/null
rm -rf "$place/next"
mkdir -p "$place/next"
git archive "$commit" | tar -x -C "$place/next" -f -
rm -rf "$place/release"
mv "$place/next" "$place/release"
printf '%s\n' "$commit" >"$place/commit"
printf '%s %s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$commit" \
    "${COUNTERSIGN_PERMIT_ID:-without-permit}" >>"$place/log"
echo "Deployed $commit to $environment."
