#!/bin/sh
# total.sh PRODUCT ...: the sum of a basket in cents
set -eu
prices=$(dirname -- "$0")/prices.csv
sum=0
for product in "$@"; do
    price=$(awk -F , -v product="$product" '$1 == product { print $2 }' "$prices")
    sum=$((sum + ${price:?no price for $product}))
done
echo "$sum"
