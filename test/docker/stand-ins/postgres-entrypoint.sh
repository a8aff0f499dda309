#!/bin/bash
# What compose.yaml and the tests ask of the entrypoint of PostgreSQL's own image, and no more: a data directory where
# there is none, POSTGRES_DB, POSTGRES_PASSWORD or its file, POSTGRES_INITDB_ARGS, the scripts of
# /docker-entrypoint-initdb.d, and root only until then.
set -euo pipefail

if [ "${1:0:1}" = '-' ]; then set -- postgres "$@"; fi
if [ "$1" = postgres ] && [ "$(id -u)" = 0 ]; then
  install -d -o postgres -g postgres -m 0700 "$PGDATA"
  exec gosu postgres "$0" "$@"
fi

make_data_directory() {
  local password=${POSTGRES_PASSWORD:-}
  if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then password=$(cat "$POSTGRES_PASSWORD_FILE"); fi
  if [ -z "$password" ]; then
    echo 'POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE is missing.' >&2
    exit 1
  fi
  # shellcheck disable=SC2086 # the arguments are several words
  initdb --username=postgres --pwfile=<(printf '%s\n' "$password") ${POSTGRES_INITDB_ARGS:-}
  # Its own image listens everywhere; Debian's packages do not.
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
}

run_scripts() {
  shift
  pg_ctl --pgdata "$PGDATA" --options "$(printf '%q ' "$@" -c listen_addresses= -p 5432)" --wait start
  local database=${POSTGRES_DB:-postgres}
  if [ "$database" != postgres ]; then createdb --username=postgres "$database"; fi
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
      *.sh) bash "$script" ;;
      *.sql) psql -v ON_ERROR_STOP=1 --no-password --username=postgres --dbname="$database" --file "$script" ;;
    esac
  done
  pg_ctl --pgdata "$PGDATA" --mode fast --wait stop
}

if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  make_data_directory
  run_scripts "$@"
fi
exec "$@"
