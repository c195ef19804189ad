#!/usr/bin/env bash
# Probes servers with APIs that nobody here wrote, and reads them row for row: json-server, Datasette and Kinto, filled with
# data of our own making, and with the public CRM data where CROSSDOCK_DATA names the sample data. Installs them below
# TOOLS first. Ends with 1 for any row or value that differs. See main.rs beside it.
set -euo pipefail
cd "$(dirname "$0")/../.."

for tool in node npm python3; do
  if ! command -v "$tool" >/dev/null; then
    echo "real-apis: $tool is missing; please install it (Debian packages nodejs, npm and python3-venv)" >&2
    exit 1
  fi
done

tools=${TOOLS:-${CARGO_TARGET_DIR:-target}/tools}/real_apis
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)

# What is there stays as long as it is what is pinned.
pinned=$(cat tests/real_apis/package-lock.json tests/real_apis/requirements.txt)
if [ "$pinned" != "$(cat "$tools/installed" 2>/dev/null)" ]; then
  rm -rf "$tools/node_modules" "$tools/venv" "$tools/installed"
  cp tests/real_apis/package.json tests/real_apis/package-lock.json "$tools/"
  npm ci --prefix "$tools" --no-progress --no-audit --no-fund
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install --quiet --no-deps -r tests/real_apis/requirements.txt
  echo "$pinned" >"$tools/installed"
fi

REAL_APIS="$tools" cargo test --locked --test real_apis -- --nocapture
