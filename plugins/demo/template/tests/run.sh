#!/bin/sh
# The tests of the shop.
set -eu
total=$(dirname -- "$0")/../shop/total.sh

[ "$("$total")" -eq 0 ]
[ "$("$total" croissant juice)" -eq 690 ]
if "$total" gold 2>/dev/null; then
    echo "gold is not for sale" >&2
    exit 1
fi
echo "3 tests passed"
