#!/bin/sh
# In the stand-in for PostgreSQL's image, as its own user: what the official entrypoint does with the environment, then serves.
set -eu
bin=$(echo /usr/lib/postgresql/*/bin)

if [ ! -e "$PGDATA/PG_VERSION" ]; then
    "$bin/initdb" -D "$PGDATA" -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" -A scram-sha-256 --auth-local=trust
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    "$bin/pg_ctl" -D "$PGDATA" -w -o "-c listen_addresses=''" start
    "$bin/createdb" -h /var/run/postgresql -U "$POSTGRES_USER" "$POSTGRES_DB"
    "$bin/pg_ctl" -D "$PGDATA" -w stop
fi
exec "$bin/postgres" -D "$PGDATA" "$@"
