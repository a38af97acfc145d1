#!/bin/bash
# Makes this server's copy of the content equal to its source, or leaves it as it was and fails.
#
#   CONTENT_SOURCE=… CONTENT_FOLDER=… content-sync
#
# The source is an address of rsync, or a folder. Each copy is a folder of its own in which files
# that did not change are hard links to the copy before, so they take no room and are not read
# again. The link `current` goes over to it when it is complete: nobody who reads through it
# meets a part of a change.
set -euo pipefail

: "${CONTENT_SOURCE:?is what to copy}" "${CONTENT_FOLDER:?is where the copies are}"
current=$CONTENT_FOLDER/current

fail() {
  echo "content-sync: $*; the copy stays as it was" >&2
  exit 1
}

# Names with a dot in front are half-written files; only the mark of the content is wanted. To
# the nanosecond, since two writes within a second are two. Pipes and sockets are left out, and
# untold: rsync's word of it would look like a change. A file that was taken away meanwhile is no
# failure, the next copy is without it.
copy() {
  local code=0
  timeout "${CONTENT_COPY_SECONDS:-600}" rsync --recursive --times --omit-dir-times \
    --modify-window=-1 --links --safe-links --perms --chmod=D755,F644 --timeout=60 \
    --info=nonreg0 --include=/.content --exclude='.*' "$@" || code=$?
  ((code == 0 || code == 24)) || fail "$CONTENT_SOURCE could not be copied (exit code $code)"
}

mkdir -p "$CONTENT_FOLDER/copies"
exec {lock}>"$CONTENT_FOLDER/lock"
flock "$lock"
began=$(date +%s.%N)

changes=everything
if [[ -e $current ]]; then
  changes=$(copy --dry-run --delete --itemize-changes "$CONTENT_SOURCE/" "$current/")
fi

if [[ -n $changes ]]; then
  new=$CONTENT_FOLDER/copies/$(date +%s%N)
  trap 'rm -rf "$new"' EXIT
  if [[ -e $current ]]; then
    copy --link-dest="$(readlink -f "$current")" "$CONTENT_SOURCE/" "$new/"
  else
    copy "$CONTENT_SOURCE/" "$new/"
  fi

  # A disk that is not mounted is an empty folder, and a master made anew has other content:
  # to follow either would delete what may be the last copy there is.
  [[ -s $new/.content ]] || fail "$CONTENT_SOURCE holds no content, its file .content is missing"
  if [[ -e $current ]] && ! cmp --silent "$new/.content" "$current/.content"; then
    fail "$CONTENT_SOURCE holds other content than before"
  fi

  ln -sfn "copies/${new##*/}" "$current.new"
  mv -T "$current.new" "$current"
  trap - EXIT
  # The one before stays, for whoever is still reading it. Names are times of one length.
  find "$CONTENT_FOLDER/copies" -mindepth 1 -maxdepth 1 | sort | head -n -2 | xargs -r rm -rf
  echo "content-sync: copied what changed of $CONTENT_SOURCE"
fi

# What was written since it began may be missing in it.
touch --date="@$began" "$CONTENT_FOLDER/copied"
