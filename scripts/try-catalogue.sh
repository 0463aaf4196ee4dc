#!/usr/bin/env bash
# Imports a catalogue into both databases, twice each: the second time must change nothing.
#
#   scripts/try-catalogue.sh FILE [FLAGS of catalog import]      run it as: make try-catalogue FILE=…
set -euo pipefail
if [ $# -lt 1 ]; then
  echo "usage: $0 FILE [FLAGS of catalog import]" >&2
  exit 2
fi
binary=$(cd "$(dirname "$0")/.." && pwd)/bin/licensegraph
folder=$(mktemp -d "${TMPDIR:-/tmp}/licensegraph-catalogue.XXXXXX")
trap 'rm -rf "$folder"' EXIT

for url in "sqlite:$folder/catalogue.db" "${LICENSEGRAPH_TEST_POSTGRES:?run it as: make try-catalogue FILE=…}"; do
  echo "== ${url%%:*}: first import"
  "$binary" migrate up --database-url "$url"
  time "$binary" catalog import "$@" --database-url "$url"
  echo "== ${url%%:*}: second import"
  second=$(time "$binary" catalog import "$@" --database-url "$url")
  tail -n 1 <<<"$second"
  if ! grep -q "nothing changes" <<<"$second"; then
    echo "the second import changed something" >&2
    exit 1
  fi
done
