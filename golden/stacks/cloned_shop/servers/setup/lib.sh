# shellcheck shell=bash
# What the boot script and every setup part use. Parts source it; user data starts with it.

# ROOT stands in front of every absolute path, so that the same scripts also run, without
# being root, in a folder of a laptop. On a server it is empty.
ROOT=${ROOT:-}

log() {
  printf '%s setup: %s\n' "$(date -u +%H:%M:%S)" "$*"
}

fail() {
  log "error: $*" >&2
  exit 1
}

# retry COMMAND…: run it until it succeeds, waiting twice as long each time; a minute in all.
retry() {
  local attempt attempts=${SETUP_ATTEMPTS:-6} wait=${SETUP_BACKOFF:-2}
  for ((attempt = 1; ; attempt++)); do
    if "$@"; then
      return 0
    fi
    if ((attempt >= attempts)); then
      log "gave up after $attempt attempts: $1 ${2:-}" >&2
      return 1
    fi
    log "attempt $attempt of $attempts failed, next one in $wait s: $1 ${2:-}" >&2
    sleep "$wait"
    wait=$((wait * 2))
  done
}

# metadata PATH: what EC2 says of this server; an error where it is none of EC2's.
metadata() {
  local service=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254} token
  [[ ${AWS_EC2_METADATA_DISABLED:-false} != true ]] || return 1
  token=$(curl -fs --noproxy '*' --max-time 2 -X PUT \
    -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$service/latest/api/token") || return
  curl -fs --noproxy '*' --max-time 2 -H "X-aws-ec2-metadata-token: $token" "$service/latest/meta-data/$1"
}

# put FILE MODE [GROUP]: write standard input to FILE, whole or not at all. A file that
# already reads so stays untouched, so its time tells when it really changed.
put() {
  local file=$1 mode=$2 group=${3:-} new
  mkdir -p "$(dirname "$file")"
  new=$(mktemp "$file.XXXXXX")
  cat >"$new"
  # Only root may give a file to a group, and only a server has the group.
  if [[ -z $ROOT && -n $group ]]; then
    chgrp "$group" "$new"
  fi
  chmod "$mode" "$new"
  if cmp --silent "$new" "$file"; then
    rm "$new"
    chmod "$mode" "$file"
  else
    mv "$new" "$file"
  fi
}
