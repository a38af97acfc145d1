#!/bin/bash
# Starts the last hop of the proxy, with what others have added to it in last-hop.d.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"
here=$BUNDLE/servers/setup/configure/proxies
# shellcheck source=/dev/null
source "$here/chain.sh"

# The mock AWS has no load balancer that answers, so there ORIGIN names a server itself.
origin=${ORIGIN:-${PROXIES_ORIGIN:?is where requests are passed on to}}
for authorities in /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/certs/ca-certificates.crt; do
  [[ ! -r $authorities ]] || break
done

place=$(place last_hop)
folder=$ROOT/etc/proxies
mkdir -p "$folder/last-hop.d"
# On a server systemd makes these, and gives them to nginx.
[[ -z $ROOT ]] || mkdir -p "$ROOT"/{run,var/cache}/last-hop

fill "$here/last-hop.conf" "LISTEN=${place% *}" "ORIGIN=$origin" "NAME=${PROXIES_ORIGIN_NAME:-}" \
  "AUTHORITIES=$authorities" "RESOLVER=${RESOLVER:-169.254.169.253}" "IDLE=${PROXIES_IDLE_SECONDS:-60}" \
  "KEEP=$((${PROXIES_IDLE_SECONDS:-60} + 15))" |
  put "$folder/last-hop.conf" 644
fill "$here/last-hop.service" | put "$ROOT/etc/systemd/system/last-hop.service" 644
shopt -s nullglob
serve last-hop.service "$folder/last-hop.conf" "$folder"/last-hop.d/*.conf
