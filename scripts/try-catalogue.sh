#!/usr/bin/env bash
# Imports a catalogue into both databases, twice each: the second time must change nothing.
#
#   scripts/try-catalogue.sh FILE [EXCLUSIONS]      run it as: make try-catalogue FILE=…
set -euo pipefail
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: $0 FILE [EXCLUSIONS]" >&2
  exit 2
fi
binary=$(cd "$(dirname "$0")/.." && pwd)/bin/licensegraph
arguments=("$1")
if [ -n "${2:-}" ]; then
  arguments+=(--exclusions "$2")
fi
folder=$(mktemp -d "${TMPDIR:-/tmp}/licensegraph-catalogue.XXXXXX")
trap 'rm -rf "$folder"' EXIT

for url in "sqlite:$folder/catalogue.db" "${LICENSEGRAPH_TEST_POSTGRES:?run it as: make try-catalogue FILE=…}"; do
  echo "== ${url%%:*}: first import"
  "$binary" migrate up --database-url "$url"
  time "$binary" catalog import "${arguments[@]}" --database-url "$url"
  echo "== ${url%%:*}: second import"
  second=$(time "$binary" catalog import "${arguments[@]}" --database-url "$url")
  tail -n 1 <<<"$second"
  if ! grep -q "nothing changes" <<<"$second"; then
    echo "the second import changed something" >&2
    exit 1
  fi
done
