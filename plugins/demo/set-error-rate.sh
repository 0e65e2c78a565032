#!/bin/sh
# set-error-rate.sh DIR RATE: what the demo's monitoring says of the shop in production, as a share
# (0.004 is calm). DIR is the folder `demo` below COUNTERSIGN_HOME.
set -eu
target=${1:?usage: set-error-rate.sh DIR RATE}
rate=${2:?usage: set-error-rate.sh DIR RATE}
printf '{"error_rate": %s, "latency_p95_ms": 180}\n' "$rate" >"$target/metrics.json.new"
mv "$target/metrics.json.new" "$target/metrics.json"
