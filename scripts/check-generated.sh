#!/usr/bin/env bash
# Fails where generated files are not current: it generates and compares all files before and
# after, so that it works on a clean clone and beside uncommitted work alike. What it wrote
# stays: commit it.
set -euo pipefail
cd "$(dirname "$0")/.."

sums() {
  find . \( -name .git -o -name node_modules -o -path ./bin \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
}

before=$(mktemp)
after=$(mktemp)
trap 'rm -f "$before" "$after"' EXIT
sums >"$before"
make --no-print-directory generate
sums >"$after"
if ! diff <(sort -k2 "$before") <(sort -k2 "$after") >/dev/null; then
  echo "Generated files were not current; now they are. Commit them:" >&2
  diff <(sort -k2 "$before") <(sort -k2 "$after") | sed -n 's/^[<>] [0-9a-f]*  /  /p' | sort -u >&2
  exit 1
fi
