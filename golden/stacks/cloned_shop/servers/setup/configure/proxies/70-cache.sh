#!/bin/bash
# Starts the cache, with a share of this machine's memory.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"
here=$BUNDLE/servers/setup/configure/proxies
# shellcheck source=/dev/null
source "$here/chain.sh"

place=$(place cache_proxy)
idle=${PROXIES_IDLE_SECONDS:-60}
megabytes=$(awk -v percent="${CACHE_MEMORY_PERCENT:-50}" \
  '/^MemTotal:/ { print int($2 / 1024 * percent / 100) }' "${MEMINFO:-/proc/meminfo}")

# On a server systemd makes it, and gives it to Varnish.
[[ -z $ROOT ]] || mkdir -p "$ROOT/var/lib/proxy-cache"

fill "$here/cache/cache.vcl" "NEXT=${place#* }" "IDLE=$idle" "HEALTH=${CACHE_HEALTH:-/health}" \
  "GRACE=${CACHE_GRACE_SECONDS:-3600}" "IGNORED=${CACHE_IGNORED_COOKIES:?are cookies of scripts}" |
  put "$ROOT/etc/proxies/cache.vcl" 644

# Said here, where it is read, and not by a service that does not start.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$ROOT/usr/sbin/varnishd" -C -j none -n "$scratch/work" -f "$ROOT/etc/proxies/cache.vcl" \
  >"$scratch/said" 2>&1 || {
  head -n 30 "$scratch/said"
  fail "the rules of the cache do not compile"
}

fill "$here/cache/cache.service" "LISTEN=${place% *}" "MEMORY=$megabytes" "TTL=${CACHE_TTL_SECONDS:-60}" \
  "KEEP=$((idle + 15))" | put "$ROOT/etc/systemd/system/cache.service" 644
serve cache.service "$ROOT/etc/proxies/cache.vcl"
log "the cache may fill $megabytes MB"
