#!/bin/bash
# Puts the data disk in place: made once, mounted at each start, grown whenever its volumes are
# larger than it.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

if [[ ${SETUP_KIND:-} != standalone_server ]]; then
  log "not a standalone server, nothing to do"
  exit 0
fi

# Servers that stand beside it are set up alike and have no disk. `make local` tells the name.
server=${SETUP_SERVER:-}
if [[ -z $server ]]; then
  server=$(retry metadata tags/instance/Name) || fail "EC2 does not say which server this is"
fi
if [[ $server != "${ONDEMAND_DISK_SERVER:?is the name of the server that has the data disk}" ]]; then
  log "the data disk is with $ONDEMAND_DISK_SERVER and not with $server, nothing to do"
  exit 0
fi

# Whoever has something to keep goes by this folder: it is there where the disk is to be, and until
# the disk has come nobody can write into it.
if [[ ! -d $ROOT/data ]]; then
  mkdir -p "$ROOT/data"
  [[ -n $ROOT ]] || chmod 000 /data
fi

here=$BUNDLE/servers/setup/configure/ondemand_disk
put "$ROOT/usr/local/sbin/grow-data" 755 <"$here/grow-data.sh"
put "$ROOT/etc/ondemand-disk.env" 644 <<SETTINGS
VOLUMES="${ONDEMAND_DISK_VOLUMES:?names the volumes of the data disk}"
OWNER="$SETUP_PROJECT"
SETTINGS
for unit in grow-data.service grow-data.timer; do
  put "$ROOT/etc/systemd/system/$unit" 644 <"$here/$unit"
done
put "$ROOT/etc/systemd/system/app.service.d/50-ondemand-disk.conf" 644 <"$here/app.conf"

# A laptop has no such volumes.
if [[ -z $ROOT ]]; then
  systemctl daemon-reload
  systemctl enable grow-data.service
  # At the very first start the volumes are attached some seconds after the server runs.
  SETUP_ATTEMPTS=7 retry systemctl start grow-data.service ||
    log "the data disk is not here yet; it will be mounted when it comes"
  systemctl enable --now grow-data.timer
fi
