#!/usr/bin/env bash
# Proof that the simulated Pipedrive keeps to the official documents: requests with one thing wrong are refused, recorded
# answers have the same shape (where CROSSDOCK_DATA names the sample data), and the official Node client drives every
# endpoint. Prints the counts; ends with 1 for any difference. See README.md beside it.
set -euo pipefail
cd "$(dirname "$0")/../.."

for tool in node npm; do
  if ! command -v "$tool" >/dev/null; then
    echo "conformance: $tool is missing; please install it (Debian packages nodejs and npm)" >&2
    exit 1
  fi
done

# This builds the program too, with the features that tests have; building it by itself would build half of all anew.
cargo test --locked --test conformance -- --nocapture
npm ci --prefix tests/conformance --no-progress
node tests/conformance/run.mjs "${CARGO_TARGET_DIR:-target}/debug/crossdock"
