#!/usr/bin/env bash
# Installs the Debian packages that `make test-all` needs, where root or sudo is there and one of them is missing.
# What cannot be installed is named; the steps of tests/all.sh that need it then say that they were skipped.
set -euo pipefail

# The command a package is needed for, and the package.
needed=(
  node:nodejs
  npm:npm
  promtool:prometheus
  shellcheck:shellcheck
  soffice:libreoffice-calc-nogui
  systemd-analyze:systemd
)

missing=()
for pair in "${needed[@]}"; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
# A library has no command: it is asked for by what uses it.
/usr/bin/python3 -c 'import openpyxl' 2>/dev/null || missing+=(python3-openpyxl)
/usr/bin/python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "packages: not a Debian system; please install: ${missing[*]}"
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "packages: neither root nor sudo; please install: ${missing[*]}"
    exit 0
  fi
  as_root=(sudo)
fi
# RUNLEVEL=1 keeps the packages from starting their services.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
  apt-get install -q -y --no-install-recommends "${missing[@]}"
