-- Run once by the image, while it makes the data directory of the primary: who may stream, and a slot for each
-- standby, reserved at once so that no WAL is lost between the clone and its first connection.
\set password `cat /run/secrets/replication-password`
create role replicator login replication password :'password';
select pg_create_physical_replication_slot('replica_1', true);
select pg_create_physical_replication_slot('replica_2', true);
