#!/bin/sh
# Starts a server of the cluster, instead of the image's own entrypoint and then through it. Runs as root, which
# PostgreSQL refuses, only until the files are in their places. CLONE_OF, if set, names the servers of which the
# primary is to be cloned and followed; NODE_NAME and SLOT say who we are to it.
set -eu

private=/run/cluster
install -d -o postgres -g postgres -m 0700 "$private"
install -o postgres -g postgres -m 0600 /run/secrets/postgres.crt "$private/server.crt"
install -o postgres -g postgres -m 0600 /run/secrets/postgres.key "$private/server.key"
# A password file that others may read is ignored without a word; in postgresql.auto.conf it would be copied around.
printf '*:*:*:replicator:%s\n' "$(cat /run/secrets/replication-password)" >"$private/pgpass"
chown postgres:postgres "$private/pgpass"
chmod 0600 "$private/pgpass"

if [ -n "${CLONE_OF:-}" ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  # Beside the place and then moved: a clone that was cut short must never be taken for a server. The WAL receiver keeps
  # these words, and does not heed connect_timeout: without tcp_user_timeout (in ms) a primary that is switched off, and
  # named first, keeps it from the next one for two minutes.
  rm -rf "$PGDATA.partial"
  gosu postgres pg_basebackup --pgdata "$PGDATA.partial" --checkpoint fast --wal-method stream \
    --slot "$SLOT" --write-recovery-conf --dbname "host=$CLONE_OF user=replicator application_name=$NODE_NAME \
passfile=$private/pgpass sslmode=verify-full sslrootcert=/run/secrets/ca.crt \
target_session_attrs=read-write connect_timeout=5 tcp_user_timeout=5000"
  mv "$PGDATA.partial" "$PGDATA"
fi

exec docker-entrypoint.sh "$@" -c "cluster_name=$NODE_NAME"
