#!/bin/bash
# The data disk at /data: make its file system if there has never been one, mount it, and let it
# fill its volumes if those have grown. It may be run at any time, also while the disk is in use,
# and does nothing where nothing is to do.
#
#   VOLUMES="vol-… vol-…" OWNER=user grow-data
#
# Several volumes are striped by LVM. A file system that is there is never made anew: what is not
# understood is left alone, and told.
set -euo pipefail

: "${VOLUMES:?names the volumes by their ids}"
mount_point=${MOUNT_POINT:-/data}
by_id=${BY_ID:-/dev/disk/by-id}

fail() {
  echo "grow-data: $*" >&2
  exit 1
}

# The name a volume was attached under is not what the kernel calls it, but its id is kept.
devices=()
for volume in $VOLUMES; do
  device=$by_id/nvme-Amazon_Elastic_Block_Store_${volume//-/}
  [[ -e $device ]] || fail "$volume is not attached to this server ($device)"
  devices+=("$(readlink -f "$device")")
done
count=0
for _ in "${devices[@]}"; do
  count=$((count + 1))
done

# What is on a device: a word, or nothing where nothing is. That it cannot be read is an error.
content() {
  local code=0 found
  found=$(blkid --probe --output value --match-tag "$2" "$1") || code=$?
  ((code == 0 || code == 2)) || fail "$1 cannot be read"
  printf '%s' "$found"
}

empty() {
  [[ -z $(content "$1" TYPE) && -z $(content "$1" PTTYPE) ]]
}

if ((count == 1)); then
  disk=${devices[0]}
else
  for device in "${devices[@]}"; do
    if empty "$device"; then
      pvcreate --quiet "$device"
    elif [[ $(content "$device" TYPE) != LVM2_member ]]; then
      fail "$device holds something that is not part of a stripe ($(content "$device" TYPE)); it was left alone"
    fi
    pvresize --quiet "$device" # grows it to what its volume has; else it does nothing
  done
  if ! vgs data &>/dev/null; then
    vgcreate --quiet data "${devices[@]}"
  fi
  if ! lvs data/data &>/dev/null; then
    lvcreate --quiet --stripes "$count" --extents 100%FREE --name data data
  fi
  vgchange --quiet --activate y data
  disk=/dev/data/data
  free=$(vgs --noheadings --options vg_free_count data)
  if ((free >= count)); then
    lvextend --quiet --extents +100%FREE data/data
  fi
fi

if empty "$disk"; then
  mkfs.ext4 -q -L data "$disk"
  echo "grow-data: made a file system on $disk"
fi
kind=$(content "$disk" TYPE)
[[ $kind == ext4 || $kind == xfs ]] ||
  fail "$disk holds neither ext4 nor xfs but ${kind:-a partition table}; it was left alone"

if ! mountpoint --quiet "$mount_point"; then
  mkdir -p "$mount_point"
  chmod 000 "$mount_point" # whoever writes here while the disk is away hears of it
  mount -o noatime,nodev,nosuid "$disk" "$mount_point"
  chmod 755 "$mount_point"
  if [[ -n ${OWNER:-} ]]; then
    chown "$OWNER:" "$mount_point"
  fi
  echo "grow-data: mounted $disk at $mount_point"
fi

# Only if a megabyte is gained: file systems round down to whole blocks.
if [[ $kind == ext4 ]]; then
  has=$(dumpe2fs -h "$disk" 2>/dev/null | awk '/^Block count:/ { blocks = $3 } /^Block size:/ { size = $3 } END { print blocks * size }')
else
  has=$(xfs_info "$mount_point" | sed -n 's/^data .*bsize=\([0-9]*\) *blocks=\([0-9]*\).*/\1 \2/p' | awk '{ print $1 * $2 }')
fi
could=$(blockdev --getsize64 "$disk" 2>/dev/null || stat --format %s "$disk")
if ((could - has >= 1048576)); then
  if [[ $kind == ext4 ]]; then
    resize2fs "$disk" >/dev/null
  else
    xfs_growfs "$mount_point" >/dev/null
  fi
  echo "grow-data: grew the file system from $has to $could bytes"
fi
