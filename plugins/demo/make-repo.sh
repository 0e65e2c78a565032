#!/bin/sh
# make-repo.sh DIR: makes the git repository of the demo project in DIR, commit by commit.
#
# The same input gives the same commits: dates, authors and order are fixed, and nothing of
# the user's git configuration is used. Prints the commit at the head of main.
set -eu
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
template=$here/template
client=$here/../client
target=${1:?usage: make-repo.sh DIR}

if [ -e "$target" ] && [ -n "$(ls -A "$target")" ]; then
    echo "make-repo.sh: $target is not empty" >&2
    exit 1
fi
mkdir -p "$target"
cd "$target"

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# add PATH ...: takes files of the template over into the repository
add() {
    for path in "$@"; do
        mkdir -p "$(dirname -- "$path")"
        cp "$template/$path" "$path"
        git add -- "$path"
    done
}

# commit NAME ADDRESS DAY MESSAGE: one commit by this person on this day of November 2026
commit() {
    GIT_AUTHOR_NAME=$1 GIT_AUTHOR_EMAIL=$2 GIT_AUTHOR_DATE="2026-11-$3T09:30:00+00:00"
    GIT_COMMITTER_NAME=$1 GIT_COMMITTER_EMAIL=$2 GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
    export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_AUTHOR_DATE
    export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_COMMITTER_DATE
    git commit --quiet --message "$4"
}

git init --quiet --template= --initial-branch=main .

add README.md .gitignore shop/prices.csv shop/total.sh
commit 'Ana Reyes' ana@harbor.example 02 'Start the shop with a price list'

add tests/run.sh
commit 'Ben Okafor' ben@harbor.example 03 'Test the total of a basket'

add deploy.sh
commit 'Ana Reyes' ana@harbor.example 09 'Deploy by unpacking the commit'

add pipeline.sh .gitlab-ci.yml ci/countersign
cp "$client/countersign.py" "$client/countersign.sh" ci/
git add ci
commit 'Ben Okafor' ben@harbor.example 10 'Ask Countersign before every deployment'

sed 's/^coffee,.*/coffee,450/' shop/prices.csv >prices.new
mv prices.new shop/prices.csv
git add shop/prices.csv
commit 'Ana Reyes' ana@harbor.example 16 'Raise the price of coffee'

git rev-parse HEAD
