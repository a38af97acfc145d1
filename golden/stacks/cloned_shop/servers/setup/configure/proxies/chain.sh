# shellcheck shell=bash
# The programs that stand on a proxy one behind the other, and what their setup parts share. Each
# listens on a port of its own and passes on to the next; the last one speaks to the web servers.

# In the order a request passes them.
chain="cache_proxy last_hop"

# place LINK: prints where a link takes requests, and the port that it passes them on to. The first
# is what the load balancer speaks to; the others are reached from this machine alone.
place() {
  local link port=${PORT:-8080} address=0.0.0.0
  for link in $chain; do
    if [[ $link == "$1" ]]; then
      printf '%s %s\n' "$address:$port" "$((port + 1))"
      return 0
    fi
    address=127.0.0.1
    port=$((port + 1))
  done
  fail "there is no $1 among $chain"
}

# fill FILE NAME=VALUE…: prints FILE with each @NAME@ in it replaced, and @ROOT@ besides.
fill() {
  local text pair
  text=$(<"$1")
  for pair in "${@:2}" "ROOT=$ROOT"; do
    text=${text//"@${pair%%=*}@"/"${pair#*=}"}
  done
  [[ ! $text =~ @[A-Z_]+@ ]] || fail "${BASH_REMATCH[0]} in $1 has no value"
  printf '%s\n' "$text"
}

# serve UNIT FILE…: starts a service, anew if one of its files is not what it was started with.
serve() {
  local unit=$1 now state=$ROOT/var/lib/$SETUP_PROJECT/setup/started-$1
  now=$(cat "$ROOT/etc/systemd/system/$unit" "${@:2}" | sha256sum)
  systemctl daemon-reload
  systemctl enable "$unit"
  if systemctl is-active --quiet "$unit" && cmp --silent "$state" <<<"$now"; then
    log "$unit runs with these files already"
    return 0
  fi
  systemctl restart "$unit" || {
    systemctl status --no-pager --lines 50 "$unit" || true
    fail "$unit does not start"
  }
  put "$state" 644 <<<"$now"
}
