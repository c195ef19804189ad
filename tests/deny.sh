#!/usr/bin/env bash
# Checks the dependencies against deny.toml. With --if-here it says so and ends well where cargo-deny is not installed;
# without it, it builds cargo-deny into the project's own target folder first.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=${TOOLS:-${CARGO_TARGET_DIR:-target}/tools}
export PATH="$PWD/$tools/bin:$tools/bin:$PATH"

if ! command -v cargo-deny >/dev/null; then
  if [ "${1:-}" = --if-here ]; then
    echo 'deny: SKIPPED, cargo-deny is not installed; "make deny" builds it (some minutes, once) and then checks'
    exit 0
  fi
  cargo install cargo-deny --locked --root "$tools"
fi

cargo-deny --locked check bans licenses sources

# The advisories come from a database that is fetched over the network; a machine without it must say so, not fail.
if cargo-deny --locked fetch db; then
  cargo-deny --locked --offline check advisories
else
  echo 'deny: advisories NOT checked, the advisory database cannot be fetched from here'
fi
