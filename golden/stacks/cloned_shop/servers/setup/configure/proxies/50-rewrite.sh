#!/bin/bash
# Lets the last hop change links to static files in the pages that pass it.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"
here=$BUNDLE/servers/setup/configure/proxies
# shellcheck source=/dev/null
source "$here/chain.sh"

to=${REWRITE_TO:?is where the static files are}
prefixes=${REWRITE_PREFIXES:?are the paths of static files}
[[ $to =~ ^https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._-]+)*$ ]] ||
  fail "static files cannot be at $to: it must be an address without a slash at its end"

# Each with what stands before it in a page. A link that was changed already begins with the other
# host, so changing a page twice changes nothing more; nor does a path that only stands in a text.
rules=
for prefix in $prefixes; do
  rules+="sub_filter '\"$prefix' '\"$to$prefix';"$'\n'
  rules+="sub_filter \"'$prefix\" \"'$to$prefix\";"$'\n'
  rules+="sub_filter 'url($prefix' 'url($to$prefix';"$'\n'
done

folder=$ROOT/etc/proxies/last-hop.d
fill "$here/rewrite/http.conf" "TO=$to" | put "$folder/http-50-rewrite.conf" 644
fill "$here/rewrite/location.conf" "RULES=$rules" | put "$folder/location-50-rewrite.conf" 644
log "links to $prefixes will lead to $to"
