#!/bin/sh
# Writes gen/ anew from protos/: Python modules, their types, and the google protos for buf.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"

google=$(python -c 'import google.type, pathlib; print(pathlib.Path(list(google.type.__path__)[0]).parents[1])')
next=$(mktemp -d gen.XXXXXX)
trap 'rm -rf "$next"' EXIT
mkdir -p "$next/googleapis/google"
for package in type rpc; do
    mkdir -p "$next/googleapis/google/$package"
    find "$google/google/$package" -maxdepth 1 -name '*.proto' -exec cp {} "$next/googleapis/google/$package/" \;
done

python -m grpc_tools.protoc -I protos -I "$google" \
    --python_out="$next" --pyi_out="$next" $(find protos -name '*.proto')
python -m grpc_tools.protoc -I protos -I "$google" \
    --grpc_python_out="$next" --mypy_grpc_out=quiet:"$next" $(find protos -name '*_service.proto')
# mypy's cache gives false errors for packages without one.
find "$next/retail" -type d -exec touch '{}/__init__.py' \;

# In place only when complete: whoever imports meanwhile sees the old or the new.
mkdir -p gen
rm -rf gen/retail gen/googleapis
mv "$next/retail" "$next/googleapis" gen/
touch gen/.built
