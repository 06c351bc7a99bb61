#!/bin/sh
# Contracts: lint, format, and nothing that breaks a client of the main branch.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"

buf lint
buf format --diff --exit-code protos

# A fresh clone knows main as origin/main; the very first commit knows neither.
for base in "${BUF_AGAINST:-}" main origin/main; do
    if [ -n "$base" ] && git cat-file -e "$base:protos" 2>/dev/null; then
        before=$(mktemp -d)
        trap 'rm -rf "$before"' EXIT
        git archive "$base" protos buf.yaml | tar -x -C "$before"
        mkdir -p "$before/gen"
        cp -r gen/googleapis "$before/gen/"
        buf build "$before" --output "$before/before.binpb"
        buf build --output "$before/now.binpb"
        buf breaking "$before/now.binpb" --against "$before/before.binpb"
        exit 0
    fi
done
echo "no earlier version of protos/ to compare with"
