#!/usr/bin/env bash
# What `make test` cannot do with the toolchain alone. Every step says passed, failed or skipped, and why; a failed step
# does not hide the next one. In CI (CI=true) a skipped step is a failure, so that a missing package cannot go unseen.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
target=${CARGO_TARGET_DIR:-target}
passed=0 failed=0 skipped=0

# step NAME COMMAND...: runs one step.
step() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "test-all: $name passed"
  else
    failed=$((failed + 1))
    echo "test-all: $name FAILED"
  fi
}

# skip NAME WHY: a step whose tool is missing.
skip() {
  skipped=$((skipped + 1))
  echo "test-all: $1 SKIPPED: $2"
}

# The alert rules that are shipped: the YAML files of deploy/ and grafana/ that hold rule groups.
rule_files() {
  grep -rlE --include='*.yml' --include='*.yaml' '^groups:' deploy grafana 2>/dev/null || true
}

# tests/metrics.rs writes every metric with a value, as Prometheus would scrape it.
check_scrape() {
  cargo test --locked --test metrics || return 1
  promtool check metrics <"$target/tmp/scrape.prom"
}

if command -v promtool >/dev/null; then
  step 'metrics scrape' check_scrape
  mapfile -t rules < <(rule_files)
  if [ ${#rules[@]} -gt 0 ]; then step 'alert rules' promtool check rules "${rules[@]}"; fi
  step 'alert tests' promtool test rules deploy/alerts.test.yml
  step 'scrape configuration' promtool check config deploy/prometheus.yml
else
  skip 'metrics scrape, alerts and scrape configuration' 'promtool is missing (Debian package prometheus)'
fi

# tests/deploy.rs gives the unit to systemd-analyze where it is, and passes it over where it is not.
if command -v systemd-analyze >/dev/null; then
  step 'service unit' cargo test --locked --test deploy the_service_unit
else
  skip 'service unit' 'systemd-analyze is missing (Debian package systemd)'
fi

if command -v node >/dev/null && command -v npm >/dev/null; then
  step 'conformance' tests/conformance/run.sh
else
  skip 'conformance' 'node or npm is missing (Debian packages nodejs and npm)'
fi

if command -v node >/dev/null && command -v npm >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null; then
  step 'APIs that nobody here wrote' tests/real_apis/run.sh
else
  skip 'APIs that nobody here wrote' 'node, npm or venv is missing (Debian packages nodejs, npm and python3-venv)'
fi

# tests/review edits the workbook of the map with openpyxl where it is, and passes that over where it is not.
if /usr/bin/python3 -c 'import openpyxl' 2>/dev/null || python3 -c 'import openpyxl' 2>/dev/null; then
  step 'workbook edited by another program' cargo test --locked --test review another_program
else
  skip 'workbook edited by another program' 'openpyxl is missing (Debian package python3-openpyxl)'
fi

# The same workbooks, opened and saved by LibreOffice.
if command -v soffice >/dev/null && { /usr/bin/python3 -c 'import openpyxl' || python3 -c 'import openpyxl'; } 2>/dev/null; then
  step 'workbooks saved by LibreOffice' cargo test --locked --test review libreoffice
else
  skip 'workbooks saved by LibreOffice' 'soffice or openpyxl is missing (Debian packages libreoffice-calc-nogui, python3-openpyxl)'
fi

if command -v shellcheck >/dev/null; then
  mapfile -t scripts < <(grep -rlE --exclude-dir=node_modules '^#!/usr/bin/env bash' .ci tests deploy)
  step 'shell scripts' shellcheck "${scripts[@]}"
else
  skip 'shell scripts' 'shellcheck is missing (Debian package shellcheck)'
fi

echo "test-all: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] || exit 1
[ "$skipped" -eq 0 ] || [ "${CI:-}" != true ] || exit 1
