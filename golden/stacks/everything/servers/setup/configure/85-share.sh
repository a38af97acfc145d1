#!/bin/bash
# Mounts the share, and fails where it cannot: the application starts after it, with its files.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

settings=$ROOT/etc/$SETUP_PROJECT/app.env

setting() {
  sed -n "s/^APP_$1=\"\(.*\)\"\$/\1/p" "$settings"
}

file_system=$(setting SHARED_FILE_SYSTEM)
access_point=$(setting SHARED_ACCESS_POINT)
folder=$(setting SHARED_FOLDER)
folder=${folder#"$ROOT"}
[[ $file_system && $access_point && $folder ]] || fail "the settings name no share to mount"

# tls, iam: encrypted on the way, as the server's role; the share lets nobody else in.
# _netdev, nofail: a boot mounts it once there is a network, and comes up without it too.
# noresvport: a connection that broke comes back under another port.
# lookupcache, acdir…: what another server wrote is there at once, and listed after 3 seconds.
options=_netdev,nofail,x-systemd.mount-timeout=90,noresvport,tls,iam,accesspoint=$access_point
options+=,lookupcache=positive,acdirmin=1,acdirmax=3

# Nobody may enter the bare mount point, so that no file is ever written where a share should be.
[[ -e $ROOT$folder ]] || {
  mkdir -p "$ROOT$folder"
  chmod 000 "$ROOT$folder"
}
{
  awk -v folder="$folder" '$2 != folder' "$ROOT/etc/fstab" 2>/dev/null || true
  echo "$file_system:/ $folder efs $options 0 0"
} | put "$ROOT/etc/fstab" 644
systemctl daemon-reload

mount_share() {
  grep -qs " $ROOT$folder " /proc/self/mounts || timeout 90 mount "$ROOT$folder"
}

# For some minutes: the name of a new file system takes a while until it is known everywhere.
SETUP_ATTEMPTS=${SETUP_ATTEMPTS:-8} retry mount_share ||
  fail "$file_system could not be mounted through $access_point; /var/log/amazon/efs tells why"

# A share without files looks like a folder without a share; this file tells them apart.
[[ -e $ROOT$folder/.share ]] || : >"$ROOT$folder/.share" ||
  fail "$file_system is mounted but takes no files; its policy or the server's role is in the way"

# On a laptop the folder has another path than on a server, and the application must know it.
if [[ -n $ROOT ]]; then
  sed "s|^APP_SHARED_FOLDER=\"$folder|APP_SHARED_FOLDER=\"$ROOT$folder|" "$settings" |
    put "$settings.new" 640 "$SETUP_PROJECT"
  mv "$settings.new" "$settings"
fi

systemctl enable share.service
log "$file_system is mounted at $folder"
