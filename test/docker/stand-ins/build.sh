#!/bin/bash
# Builds stand-ins for the images of docker/env.example, and the two images of this repository on them, where Debian's
# packages are reached and no registry of images is. Prints the variables that name them, for a shell to read:
#   eval "$(test/docker/stand-ins/build.sh)"
# Needs root, a Docker engine, mmdebstrap and `npm ci`. Grafana is in no package of Debian's, so it has no stand-in.
# Also puts Docker Compose where docker finds it, if it is not there: into $DOCKER_CONFIG/cli-plugins.
# Exit code 3: the packages are out of reach.
set -euo pipefail
cd "$(dirname "$0")/../../.."

name=cdr-stand-in
# The release whose nginx knows every line of docker/nginx, and whose Compose is as new as docs/operations.md wants.
release=trixie
packages=ca-certificates,curl,docker-compose,gosu,nginx-light,openssl,postgresql-17,prometheus,prometheus-alertmanager
packages=$packages,prometheus-node-exporter,wget

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log() { echo "stand-ins: $*" >&2; }

build_base() {
  log "Debian $release with what the images hold"
  # shellcheck disable=SC2016 # $1 is mmdebstrap's
  mmdebstrap --quiet --variant=minbase --include=$packages \
    --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --essential-hook='mkdir -p "$1/etc/postgresql-common"' \
    --essential-hook='echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"' \
    $release "$work/base.tar" >&2 || exit 3
  docker import "$work/base.tar" $name:base >&2
  rm "$work/base.tar"
}

install_compose() {
  log 'Docker Compose, from the same packages'
  local plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins container
  mkdir -p "$plugins"
  container=$(docker create $name:base true)
  docker cp "$container:/usr/libexec/docker/cli-plugins/docker-compose" "$plugins/" >&2
  docker rm "$container" >&2
}

lay_context() {
  mkdir "$work/context"
  cp test/docker/stand-ins/Dockerfile test/docker/stand-ins/postgres-entrypoint.sh "$work/context/"
  cp -L node_modules/node/bin/node "$work/context/node"
  cp -rL "$(npm root --global)/npm" "$work/context/npm"
  cp -L /etc/ssl/certs/ca-certificates.crt "$work/context/"
  { cat "$(npm config get globalconfig)" "$(npm config get userconfig)" || true; } 2>/dev/null >"$work/context/npmrc"
}

# The older builder takes no network from compose.yaml, and needs no plugin.
build() { DOCKER_BUILDKIT=0 docker build --quiet --force-rm --network host "$@" >&2; }

docker image inspect $name:base >/dev/null 2>&1 || build_base
docker compose version >/dev/null 2>&1 || install_compose
lay_context
for target in node nginx prometheus alertmanager node-exporter postgres; do
  log "$target"
  build --build-arg BASE=$name:base --target $target --tag $name:$target "$work/context"
done
log 'the gateway'
build --build-arg NODE_IMAGE=$name:node --file docker/Dockerfile --tag $name:gateway .
log 'the call explorer'
build --build-arg NODE_IMAGE=$name:node --file docker/web.Dockerfile --tag $name:web .

for image in POSTGRES NODE NGINX PROMETHEUS ALERTMANAGER NODE_EXPORTER GATEWAY WEB; do
  target=${image,,}
  echo "export ${image}_IMAGE=$name:${target//_/-}"
done
