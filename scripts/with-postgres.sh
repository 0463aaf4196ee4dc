#!/usr/bin/env bash
# Runs a command with a throwaway PostgreSQL server:
#
#   scripts/with-postgres.sh COMMAND [ARGUMENT…]
#
# The server listens on loopback only, at a free port, and keeps its data in a temporary
# folder; both are gone when the command ends, however it ends. The command finds the server's
# URL in LICENSEGRAPH_TEST_POSTGRES. The exit status is the command's.
set -euo pipefail

if [ $# -eq 0 ]; then
  echo "usage: $0 COMMAND [ARGUMENT…]" >&2
  exit 2
fi

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
if [ -z "$bin" ] || [ ! -x "$bin/initdb" ]; then
  bin=$(dirname "$(command -v initdb 2>/dev/null || echo /)")
fi
if [ ! -x "$bin/initdb" ] || [ ! -x "$bin/postgres" ]; then
  echo "PostgreSQL's server is not installed (initdb was not found); run scripts/setup.sh" >&2
  exit 1
fi

# The server refuses to run as root.
as=()
owner=
if [ "$(id -u)" -eq 0 ]; then
  owner=postgres
  id -u "$owner" >/dev/null 2>&1 || owner=nobody
  as=(setpriv "--reuid=$(id -u "$owner")" "--regid=$(id -g "$owner")" --clear-groups)
fi

# Its user must be able to reach the folder.
folder=
for base in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
  folder=$(mktemp -d "$base/licensegraph-postgres.XXXXXX")
  [ -z "$owner" ] || chown "$owner" "$folder"
  if "${as[@]}" test -w "$folder"; then
    break
  fi
  rm -rf "$folder"
  folder=
done
if [ -z "$folder" ]; then
  echo "no temporary folder is open to the user $owner" >&2
  exit 1
fi

command_pid=
server_pid=
cleanup() {
  status=$?
  trap - EXIT INT TERM HUP
  if [ -n "$command_pid" ] && kill -0 "$command_pid" 2>/dev/null; then
    kill -TERM -- "-$command_pid" 2>/dev/null || true
    wait "$command_pid" 2>/dev/null || true
  fi
  if [ -n "$server_pid" ]; then
    kill -QUIT "$server_pid" 2>/dev/null || true # immediate: the data are thrown away
    wait "$server_pid" 2>/dev/null || true
  fi
  rm -rf "$folder"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$folder"
"${as[@]}" env HOME="$folder" "$bin/initdb" --pgdata="$folder/data" --username=postgres --auth=trust \
  --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; exit 1; }

# A port that was free may be taken before the server binds it: then try the next.
port=
for _ in 1 2 3 4 5; do
  port=$((20000 + RANDOM % 12000))
  "${as[@]}" "$bin/postgres" -D "$folder/data" -p "$port" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories="$folder" -c max_connections=300 -c shared_buffers=256MB \
    -c dynamic_shared_memory_type=mmap -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_wal_size=2GB \
    -c autovacuum_naptime=10s >"$folder/server.log" 2>&1 &
  server_pid=$!
  for _ in $(seq 100); do
    if ! kill -0 "$server_pid" 2>/dev/null; then
      break
    fi
    if "$bin/pg_isready" -q -h "$folder" -p "$port" -U postgres 2>/dev/null; then
      break 2
    fi
    sleep 0.1
  done
  kill -QUIT "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=
done
if [ -z "$server_pid" ]; then
  cat "$folder/server.log" >&2
  exit 1
fi
cd "$OLDPWD"

export LICENSEGRAPH_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres?sslmode=disable"
set -m # a process group of its own, so that all of it can be stopped
"$@" &
command_pid=$!
set +m
wait "$command_pid"
