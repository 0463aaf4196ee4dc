#!/usr/bin/env bash
# Installs what the tests need beside Go, where it is missing: a C compiler with headers (for
# the race detector), Node with npm (for the checks with the reference implementation of
# GraphQL) and PostgreSQL's server (for the second of the two databases).
#
# It installs through apt, as root or with sudo; elsewhere it says what to install.
set -euo pipefail

missing=()
has() { command -v "$1" >/dev/null 2>&1; }

if ! has go; then
  echo "Go is missing: install Go 1.26 or newer from https://go.dev/dl/" >&2
  exit 1
fi
has gcc || missing+=(gcc)
{ has gcc && echo '#include <stdlib.h>' | gcc -E - >/dev/null 2>&1; } || missing+=(libc6-dev)
has node || missing+=(nodejs)
has npm || missing+=(npm)
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! { has initdb && has postgres; }; then
  missing+=(postgresql)
fi
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

echo "Missing: ${missing[*]}" >&2
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  sudo=(sudo -n)
fi
if ! has apt-get || { [ "$(id -u)" -ne 0 ] && ! { has sudo && sudo -n true 2>/dev/null; }; }; then
  cat >&2 <<TEXT
They cannot be installed from here (it takes apt-get, as root or with sudo). Install them, then
try again:

  Debian, Ubuntu: sudo apt-get install ${missing[*]}
  Fedora:         sudo dnf install gcc glibc-devel nodejs npm postgresql-server
  macOS:          xcode-select --install; brew install node postgresql@16
                  (and put PostgreSQL's bin folder on the PATH)
TEXT
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
# PostgreSQL's package would start a server of its own at a well-known port; the tests start
# throwaway ones.
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
  "${sudo[@]}" mkdir -p /etc/postgresql-common
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    echo "create_main_cluster = false" | "${sudo[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
fi
"${sudo[@]}" apt-get update -q
# Where nodejs brings npm along, the separate package does not go with it.
others=()
npm=
for package in "${missing[@]}"; do
  if [ "$package" = npm ]; then npm=yes; else others+=("$package"); fi
done
if [ ${#others[@]} -gt 0 ]; then
  "${sudo[@]}" apt-get install -q -y --no-install-recommends "${others[@]}"
fi
if [ -n "$npm" ] && ! has npm; then
  "${sudo[@]}" apt-get install -q -y --no-install-recommends npm
fi
