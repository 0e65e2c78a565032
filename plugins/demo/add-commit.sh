#!/bin/sh
# add-commit.sh DIR [PRODUCT [PRICE]]: one more real commit on the branch checked out in DIR,
# so that a deployment approved before it meets drift. Prints the new commit.
set -eu
target=${1:?usage: add-commit.sh DIR [PRODUCT [PRICE]]}
product=${2:-tea}
price=${3:-390}
cd "$target"

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
GIT_AUTHOR_NAME='Ben Okafor' GIT_AUTHOR_EMAIL=ben@harbor.example
GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL

printf '%s,%s\n' "$product" "$price" >>shop/prices.csv
git add shop/prices.csv
git commit --quiet --message "Sell $product"
git rev-parse HEAD
