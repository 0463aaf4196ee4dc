#!/usr/bin/env bash
# Checks with the reference implementation of GraphQL: the composed schema is valid and
# described throughout, and the server passes every audit of graphql-http. The audits run
# against the real binary, on a temporary database, with a token.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$PWD/bin/licensegraph

(cd tools/node && npm ci --omit=dev --silent && npm test --silent -- --test-reporter=dot)
node tools/node/validate-schema.mjs schema.graphql

folder=$(mktemp -d "${TMPDIR:-/tmp}/licensegraph-audits.XXXXXX")
server=
cleanup() {
  status=$?
  trap - EXIT INT TERM
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$folder"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

export LICENSEGRAPH_DATABASE_URL=sqlite:$folder/audits.db
"$binary" migrate up >/dev/null
"$binary" tenant create Audits --country NL >/dev/null
LICENSEGRAPH_TOKEN=$("$binary" token create --tenant Audits --role GLOBAL_ADMIN)
export LICENSEGRAPH_TOKEN

: >"$folder/server.log" # it is read before the server may have opened it
"$binary" serve --listen 127.0.0.1:0 --log-format json 2>"$folder/server.log" &
server=$!
url=
for _ in $(seq 100); do
  url=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' "$folder/server.log" | head -n 1)
  if [ -n "$url" ] || ! kill -0 "$server" 2>/dev/null; then
    break
  fi
  sleep 0.1
done
if [ -z "$url" ]; then
  echo "the server did not start:" >&2
  cat "$folder/server.log" >&2
  exit 1
fi
node tools/node/audit.mjs "$url/graphql"
