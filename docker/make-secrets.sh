#!/bin/sh
# Makes the secrets that compose.yaml reads, and .env from env.example. What is there already stays as it is: put your
# own file in place first, or delete one to get a new one.
#   docker/make-secrets.sh [DIRECTORY]           default: docker/secrets
#   SITE_NAMES='cdr.example.com 192.0.2.10'      names and addresses in the certificate of the site
set -eu
umask 077

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
dir=${1:-$here/secrets}
mkdir -p "$dir"
# Containers read these files under other user ids than yours, so the files are readable, and the directory is not.
chmod 0700 "$dir"
cd "$dir"

is_missing() { [ ! -s "$1" ]; }
keep() { cat >"$1.new" && chmod 0444 "$1.new" && mv -f "$1.new" "$1"; }
random() { openssl rand -hex 24; }

for name in postgres-password replication-password gateway-password admin-token account-token \
  web-token-secret grafana-admin-password; do
  if is_missing "$name"; then random | keep "$name"; fi
done

# Certificates of an authority of our own, which is for this stack alone.
if is_missing ca.crt; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj '/CN=CDR gateway demo CA' \
    -addext 'keyUsage=critical,keyCertSign,cRLSign' -keyout ca.key -out ca.crt.made 2>/dev/null
  keep ca.crt <ca.crt.made
  rm -f ca.crt.made postgres.crt site.crt
fi

alternatives() {
  list=
  for name in "$@"; do
    case $name in
      *[!0-9.]* | *.*.*.*.*) kind=DNS ;;
      *) kind=IP ;;
    esac
    case $name in *:*) kind=IP ;; esac
    list="$list${list:+,}$kind:$name"
  done
  echo "$list"
}

# certificate FILE NAME…
certificate() {
  file=$1
  shift
  is_missing "$file.crt" || return 0
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$(alternatives "$@")" >"$file.ext"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
    -keyout "$file.key.made" -out "$file.csr" 2>/dev/null
  openssl x509 -req -in "$file.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -extfile "$file.ext" \
    -out "$file.crt.made" 2>/dev/null
  keep "$file.key" <"$file.key.made"
  keep "$file.crt" <"$file.crt.made"
  rm -f "$file.ext" "$file.csr" "$file.key.made" "$file.crt.made"
}

certificate postgres primary replica-1 replica-2
# Names are separated by spaces.
# shellcheck disable=SC2086
certificate site ${SITE_NAMES:-localhost 127.0.0.1 ::1}

# How each part reaches PostgreSQL: over TLS, the server's name checked.
tls='sslmode=verify-full&sslrootcert=/run/secrets/ca.crt'
gateway="gateway:$(cat gateway-password)"
if is_missing owner-url; then
  echo "postgresql://postgres:$(cat postgres-password)@primary:5432/calls?$tls" | keep owner-url
fi
if is_missing primary-url; then
  echo "postgresql://$gateway@primary:5432/calls?$tls" | keep primary-url
fi
if is_missing replica-urls; then
  echo "postgresql://$gateway@replica-1:5432/calls?$tls#replica-1,postgresql://$gateway@replica-2:5432/calls?$tls#replica-2" |
    keep replica-urls
fi

# Who may sign in to the call explorer: an administrator, and a customer of account 1.
if is_missing web-users; then
  keep web-users <<EOF
[
  { "name": "admin", "password": "$(random)", "role": "admin" },
  { "name": "customer", "password": "$(random)", "role": "customer", "accountIds": ["1"] }
]
EOF
fi

if [ "$#" -eq 0 ] && [ ! -e "$here/.env" ]; then cp "$here/env.example" "$here/.env"; fi
echo "The secrets are in $dir."
