#!/bin/bash
# Makes the application use the machine it finds: at each start of the machine, so also after
# its size was changed, the number of the application's processes is counted anew.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

if [[ ${SETUP_KIND:-} != standalone_server ]]; then
  log "not a standalone server, nothing to do"
  exit 0
fi

here=$BUNDLE/servers/setup/configure/scale_up
put "$ROOT/usr/local/sbin/scale-up-workers" 755 <"$here/workers.sh"
put "$ROOT/etc/systemd/system/scale-up-workers.service" 644 <"$here/scale-up-workers.service"
put "$ROOT/etc/systemd/system/app.service.d/50-scale-up.conf" 644 <"$here/app.conf"

# A machine without room to swap ends programs at once when memory runs out. With some, it
# becomes slow first, and an alarm rings while there is still somebody to answer it.
if [[ -z $ROOT && ! -e /swapfile ]]; then
  fallocate --length 1GiB /swapfile.new
  chmod 600 /swapfile.new
  mkswap /swapfile.new >/dev/null
  mv /swapfile.new /swapfile
fi
put "$ROOT/etc/systemd/system/swapfile.swap" 644 <"$here/swapfile.swap"

# The stand-in on a laptop knows neither drop-ins nor swap.
if [[ -z $ROOT ]]; then
  systemctl daemon-reload
  systemctl enable --now swapfile.swap scale-up-workers.service
fi
