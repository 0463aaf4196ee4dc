#!/usr/bin/env bash
# Measures on PostgreSQL, then on SQLite, whose reads are compared with PostgreSQL's:
#
#   USERS=100000 DATABASES="postgres sqlite" BENCHOUT=folder scripts/with-postgres.sh scripts/bench.sh [FLAG…]
#
# Flags go to `licensegraph bench`. The folder gets bench-DATABASE-USERS.json for each.
set -euo pipefail

users=${USERS:-100000}
out=${BENCHOUT:-.}
postgres=
for database in ${DATABASES:-postgres sqlite}; do
  report="$out/bench-$database-$users.json"
  case $database in
    postgres)
      postgres=$report
      bin/licensegraph bench --users "$users" --json "$report" --database-url "$LICENSEGRAPH_TEST_POSTGRES" "$@"
      ;;
    sqlite)
      against=()
      [ -z "$postgres" ] || against=(--against "$postgres")
      bin/licensegraph bench --users "$users" --json "$report" --database-url sqlite:bench.db "${against[@]}" "$@"
      ;;
    *)
      echo "DATABASES takes postgres and sqlite, not $database" >&2
      exit 2
      ;;
  esac
  echo
done
