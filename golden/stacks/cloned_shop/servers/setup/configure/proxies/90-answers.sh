#!/bin/bash
# Sends a request through all programs of the proxy: only when it is answered does the proxy count.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

check=127.0.0.1:${PORT:-8080}/proxy-health
for ((second = 0; second < ${SETUP_HEALTH_SECONDS:-60}; second++)); do
  if curl -fs --noproxy '*' --max-time 2 --output /dev/null "http://$check"; then
    log "the proxy answered after $second s"
    exit 0
  fi
  sleep 1
done
fail "the proxy did not answer http://$check in time"
