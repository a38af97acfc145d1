#!/bin/bash
# Puts the application and its requirements into a folder of their own, named after their
# content, and switches `current` over to it in one step: no moment has half a release.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

home=$ROOT/opt/$SETUP_PROJECT
id=$(cd "$BUNDLE/app" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)
release=$home/releases/$id

# The last thing written, so its absence means that an earlier run broke off.
if [[ ! -e $release/release.env ]]; then
  rm -rf "$release"
  mkdir -p "$release"
  cp -R "$BUNDLE/app" "$release/app"
  # No pip of its own: a service installs nothing, and to bring it takes seconds of every boot.
  python3.12 -m venv --without-pip "$release/venv"
  retry python3.12 -m pip --python "$release/venv/bin/python" install --quiet \
    --disable-pip-version-check --no-input --requirement "$release/app/requirements.txt" ||
    fail "the requirements could not be installed"
  # The service may write nothing here, so it could not keep what it compiles.
  "$release/venv/bin/python" -m compileall -q "$release/app/src"
  # A release that cannot even be loaded must not become the current one.
  (cd "$release/app/src" && "$release/venv/bin/python" -c 'import app.main') ||
    fail "release $id cannot be imported"
  echo "APP_RELEASE=\"$id\"" | put "$release/release.env" 644
fi

# `mv -T` renames over the old link, which is one step for everyone who follows it.
if [[ $(readlink "$home/current" || true) != "releases/$id" ]]; then
  # From now on it is an old one, and of those the one left last: below, their order goes by that.
  [[ ! -e $home/current ]] || touch "$home/current/"
  ln -sfn "releases/$id" "$home/current.new"
  mv -T "$home/current.new" "$home/current"
fi

# A server that stays would fill its disk with releases, for each holds all packages anew. The two
# left last stay: the application runs from one of them until it is started anew. From one that is
# not complete nothing ever ran.
kept=2
find "$home/releases" -mindepth 1 -maxdepth 1 ! -name "$id" -printf '%T@ %p\n' |
  LC_ALL=C sort -rn | cut -d ' ' -f 2- | while read -r old; do
  if [[ -e $old/release.env ]] && ((kept-- > 0)); then
    continue
  fi
  rm -rf "$old"
  log "release ${old##*/} is gone"
done

put "$ROOT/etc/systemd/system/app.service" 644 <"$BUNDLE/servers/systemd/app.service"
systemctl daemon-reload
log "release $id is current"
