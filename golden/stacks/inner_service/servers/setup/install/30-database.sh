#!/bin/bash
# Who may vouch for a database: the authorities of RDS, which no system knows by itself.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

# The application looks here: app/src/app/database.py.
authorities=$ROOT/etc/pki/rds/global-bundle.pem

# The database of a laptop is none of RDS.
if [[ -n $ROOT ]]; then
  log "a database on this machine brings its own authority"
  exit 0
fi

new=$(mktemp)
trap 'rm -f "$new"' EXIT
retry curl --fail --silent --show-error --location --proto '=https' --max-time 30 --output "$new" \
  https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem ||
  fail "the authorities of RDS could not be fetched"
grep --quiet -e '-BEGIN CERTIFICATE-' "$new" || fail "what was fetched holds no certificates"
put "$authorities" 644 <"$new"
