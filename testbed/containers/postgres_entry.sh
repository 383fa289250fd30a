#!/bin/sh
# In the stand-in for PostgreSQL's image: does with the environment what the official one does, then serves.
set -eu
bin=$(echo /usr/lib/postgresql/*/bin)
data=/var/lib/postgresql/data
mkdir -p $data /var/run/postgresql
chown postgres:postgres $data /var/run/postgresql
chmod 700 $data

as_postgres() {
    setpriv --reuid=postgres --regid=postgres --init-groups "$@"
}

if [ ! -e $data/PG_VERSION ]; then
    password=/var/lib/postgresql/password
    install -o postgres -m 400 "$POSTGRES_PASSWORD_FILE" $password
    as_postgres "$bin/initdb" -D $data -U "$POSTGRES_USER" --pwfile=$password -A scram-sha-256 --auth-local=trust
    rm $password
    echo "host all all all scram-sha-256" >>$data/pg_hba.conf
    as_postgres "$bin/pg_ctl" -D $data -w -o "-c listen_addresses=''" start
    as_postgres "$bin/createdb" -h /var/run/postgresql -U "$POSTGRES_USER" "$POSTGRES_DB"
    as_postgres "$bin/pg_ctl" -D $data -w stop
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups \
    "$bin/postgres" -D $data -c "listen_addresses=${LISTEN:-*}"
