#!/bin/sh
# Renews requirements.txt: the newest versions that fit pyproject.toml, by hash, with no address of
# any index in it.
set -eu
cd "$(dirname "$0")/.."

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
.venv/bin/python -m venv "$tools/venv"
"$tools/venv/bin/pip" install --quiet pip-tools
"$tools/venv/bin/pip-compile" --quiet --generate-hashes --strip-extras --allow-unsafe \
    --extra local --extra dev \
    --no-header --no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
    --output-file "$tools/requirements.txt" pyproject.toml
{
    # shellcheck disable=SC2016
    echo '# What `make setup` installs: exact versions, each file by its hash. `make lock` renews it.'
    cat "$tools/requirements.txt"
} > requirements.txt
