#!/bin/sh
# Brings up a whole stack of its own beside any other, tries what docs/operations.md promises of it, and removes it.
#   docker/smoke.sh                                      every part
#   COMPOSE_PROFILES=web,monitoring docker/smoke.sh      without Grafana
#   POSTGRES_IMAGE=registry.example/postgres:18.6 …      any variable of env.example
#   KEEP=yes docker/smoke.sh                             leaves it running, and says where
# Needs Docker with Compose, curl and openssl; takes some five minutes. Prints the Test Anything Protocol, with what was
# seen as comments, and ends with 0 when everything held.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
secrets=$work/secrets

# Its own project, ports and network; the images it builds have its own name, unless some are given.
export COMPOSE_PROJECT_NAME=cdr-gateway-smoke SECRETS_DIR="$secrets" BIND_ADDRESS=127.0.0.1
export COMPOSE_PROFILES="${COMPOSE_PROFILES-web,monitoring,grafana}"
export HTTPS_PORT="${HTTPS_PORT:-18443}" GRAFANA_PORT="${GRAFANA_PORT:-13000}"
export PROMETHEUS_PORT="${PROMETHEUS_PORT:-19090}" ALERTMANAGER_PORT="${ALERTMANAGER_PORT:-19093}"
export NETWORK_PREFIX="${NETWORK_PREFIX:-172.29.84}"
is_ours=${GATEWAY_IMAGE:+no}
export GATEWAY_IMAGE="${GATEWAY_IMAGE:-cdr-gateway:smoke}" WEB_IMAGE="${WEB_IMAGE:-cdr-call-explorer:smoke}"

site=https://localhost:$HTTPS_PORT
prometheus=http://127.0.0.1:$PROMETHEUS_PORT
alertmanager=http://127.0.0.1:$ALERTMANAGER_PORT
grafana=http://127.0.0.1:$GRAFANA_PORT

stack() { docker compose --file "$here/compose.yaml" --env-file "$here/env.example" "$@"; }
has_part() { case ,$COMPOSE_PROFILES, in *,"$1",*) ;; *) return 1 ;; esac; }

# ---- how a promise is tried ----

number=0
failed=0

# try SENTENCE COMMAND…: holds when the command succeeds; what it prints is what was seen.
try() {
  number=$((number + 1))
  sentence=$1
  shift
  if seen=$("$@" 2>&1); then
    echo "ok $number - $sentence"
  else
    echo "not ok $number - $sentence"
    failed=$((failed + 1))
  fi
  [ -z "$seen" ] || printf '%s\n' "$seen" | head -n 20 | cut -c1-400 | sed 's/^/  # /'
}

# eventually SECONDS COMMAND…: asks once a second, and prints the last answer.
eventually() {
  left=$1
  shift
  until last=$("$@" 2>&1); do
    left=$((left - 1))
    [ "$left" -gt 0 ] || break
    sleep 1
  done
  printf '%s\n' "$last"
  [ "$left" -gt 0 ]
}

quietly() { "$@" >>"$work/log" 2>&1 || { tail -n 20 "$work/log"; return 1; }; }

as_admin() {
  curl --silent --show-error --max-time 60 --cacert "$secrets/ca.crt" -H 'content-type: application/json' \
    -H "authorization: Bearer $(cat "$secrets/admin-token")" "$@"
}
ask() { as_admin "$site/graphql" --data "{\"query\":\"$1\"}"; }

# shows TEXT PATTERN…: prints the text; holds when each of the patterns is in it.
shows() {
  text=$1
  shift
  printf '%s\n' "$text"
  for pattern in "$@"; do printf '%s\n' "$text" | grep -qE -e "$pattern" || return 1; done
}

# ---- the promises ----

all_is_well() {
  states=$(stack ps --all --quiet | xargs docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}}:
    {{- ""}} {{.State.Status}} {{.State.ExitCode}} {{if .State.Health}}{{.State.Health.Status}}{{end}}')
  echo "$states"
  # "calls" ends when it is done; the switch has nothing that one could ask.
  [ "$(echo "$states" | wc -l)" -eq "$(stack config --services | wc -l)" ] &&
    ! echo "$states" | grep -vqE ': (running 0 healthy|running 0 |exited 0 )$'
}

answers_over_tls() {
  shows "$(as_admin "$site/graphql" --write-out ' HTTP/%{http_version} %{http_code}' \
    --data '{"query":"{ cdrs(first: 1) { nodes { connectTime cli cld country } totalCount } }"}')" \
    '"connectTime":"2' '"name":"replica-' 'HTTP/2 200$'
}

trusts_no_one_else() {
  # 60: the certificate is of an authority that this client does not know.
  curl --silent --max-time 10 "$site/livez"
  [ $? -eq 60 ] && shows "$(curl --silent --show-error --max-time 10 --cacert "$secrets/ca.crt" "$site/graphql" \
    -H 'content-type: application/json' -H 'authorization: Bearer wrong' --data '{"query":"{ __typename }"}')" UNAUTHENTICATED
}

# Of the sample, or of the files that NUMBERING_PLAN names.
names_holders() {
  shows "$(ask '{ carriers(numbers: [\"33612345678\", \"442071838750\"]) { blockHolder country lineKind } }')" \
    '"blockHolder":"[^"]+"' '"country":"GB"'
}

hides_its_figures() { shows "$(as_admin "$site/metrics" --write-out ' %{http_code}')" 'BAD_REQUEST.* 404$'; }

# Slowly, so that the list must wait for its client: 100,000 lines, none twice, the first long before the last.
streams_a_list() {
  seen=$(as_admin "$site/graphql" --limit-rate 3M --max-time 120 -H 'accept: text/csv' --output "$work/calls.csv" \
    --write-out '%{http_code} %{time_starttransfer} %{time_total}' \
    --data '{"query":"{ cdrs(first: 100000) { nodes { id connectTime cli cld durationSeconds chargedAmount } } }"}')
  lines=$(tail -n +2 "$work/calls.csv" | cut -d, -f1 | sort -u | wc -l)
  echo "HTTP, first byte, last byte: $seen; $lines calls"
  [ "$lines" -eq 100000 ] && echo "$seen" | awk '{ exit !($1 == 200 && $2 < $3 / 4) }'
}

streams_json() {
  as_admin "$site/graphql" --output "$work/calls.json" \
    --data '{"query":"{ cdrs(first: 100000) { nodes { id } pageInfo { hasNextPage } } }"}'
  calls=$(grep -o '"id":' "$work/calls.json" | wc -l)
  echo "$calls calls, and at its end $(tail -c 200 "$work/calls.json" | grep -o '"pageInfo".*')"
  [ "$calls" -eq 100000 ] && ! grep -q '"errors"' "$work/calls.json"
}

refuses_a_burst() {
  as_admin --parallel --parallel-max 60 --output "$work/burst-#1" --write-out '%{http_code}\n' \
    "$site/graphql?query=%7B__typename%7D&n=[1-60]" 2>/dev/null >"$work/burst"
  sort "$work/burst" | uniq -c
  cat "$work"/burst-* | grep -o '{"message":"One address[^}]*}' | sort -u
  awk '{ n[$1]++ } END { exit !(n[200] > 20 && n[429] > 10 && n[200] + n[429] == 60) }' "$work/burst" &&
    grep -q '"code":"OVERLOADED","retryable":true' "$work"/burst-*
}

# How many of so many requests, six a second, were answered, and by whom.
requests() {
  count=$1
  while [ "$count" -gt 0 ]; do
    as_admin "$site/graphql" --max-time 10 --write-out ' %{http_code}\n' \
      --data '{"query":"{ cdrs(first: 5) { nodes { id } } }"}' || echo failed
    count=$((count - 1))
    sleep 0.15
  done | sed -E 's/.*"nodes":\[\{"id".*"replica":\{"name":"([^"]*)".* 200$/answered by \1/' | sort | uniq -c
}
all_answered() { ! printf '%s\n' "$1" | grep -qv 'answered by '; }

outlives_a_gateway() {
  (sleep 1 && quietly stack kill gateway-1) &
  seen=$(requests 30)
  wait $!
  echo "$seen"
  all_answered "$seen" && quietly stack start gateway-1 && quietly eventually 60 all_is_well
}

is_upgraded_unnoticed() {
  # nginx leaves a gateway alone for five seconds after it failed: so long the next one must stay.
  (for gateway in gateway-1 gateway-2; do
    quietly stack up --detach --no-deps --force-recreate --wait $gateway && sleep 6
  done) &
  seen=$(requests 150)
  wait $! || return 1
  echo "$seen"
  all_answered "$seen"
}

status='{ replicationStatus { status replicas { name status lagSeconds } primary { status reason } } }'
status_shows() { shows "$(ask "$status")" "$@"; }
is_ok='"replicationStatus":{"status":"OK"'

outlives_a_standby() {
  quietly stack stop replica-1
  eventually 30 status_shows '"status":"DEGRADED"' '"name":"replica-1","status":"UNREACHABLE"' || return 1
  seen=$(requests 12)
  echo "$seen"
  all_answered "$seen" && ! echo "$seen" | grep -q replica-1
}

comes_back() {
  quietly stack start "$1"
  eventually 90 status_shows "$is_ok"
}

says_that_the_primary_is_gone() {
  quietly stack stop primary
  eventually 60 status_shows '"status":"DEGRADED"' '"name":"replica-1","status":"DISCONNECTED"' \
    '"primary":{"status":"UNREACHABLE"' || return 1
  seen=$(requests 6)
  echo "$seen"
  all_answered "$seen"
}

asks_prometheus() { curl --silent --show-error --max-time 10 --get "$prometheus/api/v1/$1" ${2:+--data-urlencode "$2"}; }

targets() {
  all=$(asks_prometheus 'targets?state=active' | tr '{' '\n' | grep -o '"scrapePool":"[^"]*"\|"scrapeUrl":"[^"]*"\|"health":"[^"]*"' |
    cut -d'"' -f4 | paste -sd' ' - | sed 's/ \(up\|down\|unknown\) */ \1\n/g')
  echo "$all"
  [ "$(echo "$all" | grep -c ' up$')" -eq 5 ] && ! echo "$all" | grep -q ' \(down\|unknown\)$'
}

rules() {
  loaded=$(asks_prometheus rules)
  for alert in $(sed -n 's/^ *- alert: //p' "$here"/prometheus/rules/*.yml); do
    printf '%s ' "$alert"
    echo "$loaded" | grep -qF "\"name\":\"$alert\"" || { echo 'is missing'; return 1; }
  done
  ! echo "$loaded" | grep -q '"health":"err"'
}

disk() { shows "$(asks_prometheus query 'query=instance:node_filesystem_used:percent{mountpoint="/"}')" '"value":\[[0-9.]+,"[0-9.]+"\]'; }

# What Alertmanager would send: what follows from it is left out.
alerts_are() {
  sent=$(curl --silent --show-error --max-time 10 "$alertmanager/api/v2/alerts?active=true&inhibited=false" |
    grep -o '"alertname":"[^"]*"' | sort -u | cut -d'"' -f4 | paste -sd, -)
  echo "$sent"
  [ "$sent" = "$1" ]
}

explores_calls() {
  password=$(sed -n 's/.*"customer", "password": "\([^"]*\)".*/\1/p' "$secrets/web-users")
  browser() { curl --silent --show-error --max-time 30 --cacert "$secrets/ca.crt" --cookie-jar "$work/jar" --cookie "$work/jar" "$@"; }
  browser --output /dev/null --write-out 'without a session: %{http_code} to %{redirect_url}\n' "$site/calls"
  browser --output /dev/null --write-out 'signed in: %{http_code} to %{redirect_url}\n' "$site/api/sign-in" \
    -H "origin: $site" --data-urlencode name=customer --data-urlencode "password=$password"
  browser --output "$work/page" --write-out 'the page: %{http_code}, %{size_download} bytes\n' "$site/calls"
  calls=$(tr -d '\\' <"$work/page" | grep -oE '"accountId":"[0-9]+"' | sort | uniq -c)
  echo "its calls: $calls"
  # Of one account, theirs; and what signs their token stays where it is.
  [ "$(printf '%s\n' "$calls" | awk '{ print $2 }')" = '"accountId":"1"' ] &&
    ! grep -qF "$(cat "$secrets/web-token-secret")" "$work/page"
}

# What each process of each container may do: it is not root, and can write to volumes and memory only.
is_locked_down() {
  for container in $(stack ps --quiet); do
    name=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}}' "$container")
    # But for the health check of a database, which Docker starts as the user that its image begins with.
    users=$(docker top "$container" -eo pid,uid,comm | awk 'NR > 1 && $3 != "pg_isready" { print $2 }' | sort -nu | paste -sd, -)
    limits=$(docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{.HostConfig.Privileged}}' "$container")
    echo "$name: users $users, read-only, drop, options, privileged: $limits"
    case ",$users," in *,0,* | ,,) return 1 ;; esac
    [ "$limits" = 'true [ALL] [no-new-privileges:true] false' ] || return 1
  done
}

keeps_secrets() {
  cat "$secrets"/* | grep -oE '[0-9a-f]{48}' | sort -u >"$work/words"
  echo "$(wc -l <"$work/words") secrets; none is in what Docker shows of the containers, or in a log"
  ! { stack ps --all --quiet | xargs docker inspect && stack logs --no-log-prefix; } | grep -F -f "$work/words"
}

grafana_has() {
  shows "$(curl --silent --show-error --max-time 10 --user "admin:$(cat "$secrets/grafana-admin-password")" "$grafana$1")" "$2"
}
dashboards() {
  eventually 60 grafana_has '/api/search?type=dash-db' '(.*"uid":){5}' | grep -o '"title":"[^"]*"'
}
data_sources() {
  grafana_has /api/datasources '"uid":"cdr-gateway".*' | grep -o '"uid":"[^"]*"' &&
    grafana_has /api/datasources/uid/prometheus/health '"status":"OK"'
}
plugins() {
  eventually 120 grafana_has /api/plugins/yesoreyeram-infinity-datasource/settings '"id":"yesoreyeram' >/dev/null &&
    grafana_has /api/datasources/uid/cdr-gateway/health '"status":"OK"'
}

# ---- the run ----

finish() {
  if [ "${KEEP:-}" ]; then
    echo "# It goes on at $site; its secrets are in $secrets. To remove it:"
    echo "# docker compose --project-name $COMPOSE_PROJECT_NAME down --volumes; rm -r $work"
    return
  fi
  stack down --volumes --timeout 10 >>"$work/log" 2>&1
  [ "$is_ours" ] || docker image rm cdr-gateway:smoke cdr-call-explorer:smoke >>"$work/log" 2>&1
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

make_secrets() { quietly "$here/make-secrets.sh" "$secrets"; }
build() { [ "$is_ours" ] || quietly stack build; }

try 'docker compose takes the file as it is' stack config --quiet
try 'secrets and certificates are made' make_secrets
try 'the images are built' build
try 'the stack starts' quietly stack up --detach
try 'everything in it becomes healthy' eventually 240 all_is_well
if [ "$failed" -gt 0 ]; then
  stack logs --no-log-prefix --tail 5 2>&1 | cut -c1-300 | sed 's/^/# /'
  echo "Bail out! Without the stack there is nothing to try."
  exit 1
fi

try 'a query through nginx over TLS is answered, the certificate checked' answers_over_tls
try 'a stranger to the authority, or without a token, gets nothing' trusts_no_one_else
try 'figures are not shown outside' hides_its_figures
try 'whom a number was given to is known' names_holders
try 'a list of 100,000 calls arrives whole at a slow client, as it is read' streams_a_list
try 'the same as JSON' streams_json
sleep 3
try 'sixty requests at once: some twenty are answered, the others are 429' refuses_a_burst
sleep 3
try 'the standbys stream, and the primary is known' eventually 30 status_shows "$is_ok"
try 'nobody in it is root, and nothing can be written but volumes and memory' is_locked_down
if has_part web; then try 'the call explorer shows a customer their calls' explores_calls; fi
if has_part monitoring; then
  try 'Prometheus reaches all it watches' eventually 60 targets
  try 'Prometheus has every alert' rules
  try 'the disk of this machine is watched' eventually 60 disk
fi
if has_part grafana; then
  try 'Grafana has its dashboards' dashboards
  try 'Grafana has its data sources, and reaches Prometheus' data_sources
  try 'Grafana has fetched its plugin, which reaches the gateways' plugins
fi
try 'a gateway is killed: every request is answered' outlives_a_gateway
try 'both gateways are replaced, one after the other: every request is answered' is_upgraded_unnoticed
try 'a standby is stopped: that is said, and every request is answered' outlives_a_standby
try 'it comes back' comes_back replica-1
try 'the primary is stopped: that is said, and every request is answered' says_that_the_primary_is_gone
if has_part monitoring; then try 'Alertmanager sends one alert, and none of what follows from it' eventually 180 alerts_are PrimarySilent; fi
try 'it comes back' comes_back primary
try 'no secret is in an environment, a command or a log' keeps_secrets

echo "1..$number"
exit $((failed > 0))
