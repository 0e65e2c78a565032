#!/bin/sh
# The gate of Countersign for images without Python. It needs sh, curl, awk, base64, mktemp.
#
#   countersign.sh gate --project shop --environment production --action deploy \
#       --commit "$SHA" -- ./deploy.sh
#
# Asks, waits, redeems, runs the command, sends heartbeats, reports the end. The address and
# the token come from COUNTERSIGN_URL and COUNTERSIGN_TOKEN (or COUNTERSIGN_TOKEN_FILE).
# The command is never run without a permit that was read in full, is issued, unexpired, and
# whose receipt names this very request and run.
#
# Functions answer through variables whose names start with got_; POSIX sh has no locals.

set -u
LC_ALL=C # bytes, so that comparing and cutting text means the same in every awk
export LC_ALL
umask 077

VERSION=0.1.0
POLL_SECONDS=55
REDEEM_SECONDS=60 # the portal looks at the world again before it answers
CALL_SECONDS=20
ANSWER_BYTES=1048576
NEWLINE='
'

# --- Lines for people ------------------------------------------------------------------

# say TEXT: one line on standard error, without the token wherever the text comes from
say() {
    text=$1
    if [ -n "${token:-}" ]; then
        while :; do
            case $text in
            *"$token"*) text="${text%%"$token"*}[token]${text#*"$token"}" ;;
            *) break ;;
            esac
        done
    fi
    printf 'countersign: %s\n' "$text" >&2
}

# stop STATUS TEXT: the end, before the command ran
stop() {
    say "$2"
    exit "$1"
}

# show_status TEXT: said when it changes, and about once a minute while it does not
show_status() {
    moment=$(now)
    if [ "$1" != "$shown" ]; then
        say "$1"
    elif [ $((moment - shown_at)) -ge 50 ]; then
        say "$1 ($(((moment - started_at) / 60)) minutes)"
    else
        return
    fi
    shown=$1
    shown_at=$moment
}

now() { date +%s; }

usage() {
    say "$1"
    stop 64 "usage: countersign.sh gate --project P --environment E --action A [OPTION ...] -- COMMAND ..."
}

help() {
    cat <<'END'
usage: countersign.sh gate [OPTION ...] -- COMMAND ...

  --project NAME          project that asks
  --environment NAME      environment acted on
  --action NAME           what will be done: deploy, apply, migrate, ...
  --commit HEX            commit acted with (default: the CI run's, when no subject is given)
  --ref REF               full name of the branch or tag, such as refs/heads/main
  --artifact DIGEST       digest of the artifact, sha256:...
  --plan DIGEST           digest of the plan, sha256:...
  --run-id ID             id of the run (default: from the CI system)
  --run-attempt N         attempt of the run (default: the CI system's, or 1)
  --run-url URL           page of the run (default: from the CI system)
  --reason TEXT           why, for the people who decide
  --label TEXT            a label; may be repeated
  --claim NAME=VALUE      a claimed fact, its value as JSON; may be repeated
  --idempotency-key KEY   key of the question (default: made from it)
  --timeout DURATION      how long to wait, outages included (default 24h)
  --retry-for DURATION    how long to try an unanswered call (default 1m)
  --max-drift N           give up at this many drifts (default 3)
  --receipt-file PATH     keep the receipt in this file
END
}

# --- JSON ------------------------------------------------------------------------------

# flatten < DOCUMENT: one line per value, "path TAB type TAB text", the types being s(tring)
# n(umber) b(oolean) z (null) o(bject) a(rray). Fails unless the input is one whole document.
# Control and direction characters come out as escapes, so the text may be shown.
# shellcheck disable=SC2016
FLATTEN='
function fail() { exit 1 }
function blank() { while (index(" \t\r\n", substr(s, i, 1)) && i <= n) i++ }
function character(hex,   k, code) {
    for (k = 1; k <= 4; k++) code = code * 16 + index("0123456789abcdef", substr(hex, k, 1)) - 1
    if (code < 32 || (code > 126 && code < 160) || (code >= 55296 && code < 57344)) return "\\u" hex
    if (code < 128) return sprintf("%c", code)
    if (code < 2048) return sprintf("%c%c", 192 + int(code / 64), 128 + code % 64)
    return sprintf("%c%c%c", 224 + int(code / 4096), 128 + int(code / 64) % 64, 128 + code % 64)
}
function string(   out, c, e) {
    if (substr(s, i, 1) != "\"") fail()
    for (i++; i <= n; i++) {
        c = substr(s, i, 1)
        if (c == "\"") { i++; return out "" }
        if (c in control) fail()
        if (c == "\\") {
            e = substr(s, ++i, 1)
            if (e == "\"" || e == "\\" || e == "/") c = e
            else if (e != "" && index("bfnrt", e)) c = "\\" e
            else if (e == "u" && substr(s, i + 1, 4) ~ /^[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]$/) {
                c = character(tolower(substr(s, i + 1, 4)))
                i += 4
            } else fail()
        }
        out = out c
    }
    fail()
}
function tame(text) {
    gsub(/\177/, "\\x7f", text)
    gsub(/\302[\200-\237]/, "\\u00??", text)
    gsub(/\302\255/, "\\u00ad", text)
    gsub(/\330\234/, "\\u061c", text)
    gsub(/\342\200[\213-\217\250-\256]/, "\\u20??", text)
    gsub(/\342\201[\240-\257]/, "\\u206?", text)
    gsub(/\357\273\277/, "\\ufeff", text)
    gsub(/\363\240[\200-\201]./, "\\ue00??", text)
    return text
}
function emit(path, type, text) {
    gsub(/[\n\r\t]/, " ", text)
    printf "%s\t%s\t%s\n", path, type, tame(text)
}
function value(path, depth,   c, start, key, k) {
    if (depth > 40) fail()
    blank()
    start = i
    c = substr(s, i, 1)
    if (c == "{" || c == "[") {
        i++
        blank()
        k = 0
        if (substr(s, i, 1) == (c == "{" ? "}" : "]")) i++
        else for (;;) {
            blank()
            key = k++
            if (c == "{") {
                key = string()
                if (key !~ /^[A-Za-z_][0-9A-Za-z_]*$/) key = "?"
                blank()
                if (substr(s, i++, 1) != ":") fail()
            }
            value(path == "" ? key : path "." key, depth + 1)
            blank()
            e = substr(s, i++, 1)
            if (e == (c == "{" ? "}" : "]")) break
            if (e != ",") fail()
        }
        emit(path, c == "{" ? "o" : "a", depth < 4 ? substr(s, start, i - start) : "")
    } else if (c == "\"") emit(path, "s", string())
    else {
        while (i <= n && index("+-.0123456789Eaeflnrstu", substr(s, i, 1))) i++
        c = substr(s, start, i - start)
        if (c == "true" || c == "false") emit(path, "b", c)
        else if (c == "null") emit(path, "z", c)
        else if (c ~ /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/) emit(path, "n", c)
        else fail()
    }
}
BEGIN { for (i = 1; i < 32; i++) control[sprintf("%c", i)] = 1 }
{ s = s $0 "\n" }
END {
    n = length(s)
    i = 1
    value("", 0)
    blank()
    if (i <= n) fail()
}'
flatten() { awk "$FLATTEN"; }

# field PATH TYPE [WORK]: the text of a value of this type; fails unless it is there once
field() {
    awk -F '\t' -v path="$1" -v type="$2" '
        $1 "" == path "" { times++; if ($2 "" == type "") { right++; text = $3 } }
        END { if (times != 1 || right != 1) exit 1; print text }' "${3:-$work}.flat"
}

# quote TEXT: the text as a JSON string
quote() {
    QUOTED=$1 awk 'BEGIN {
        for (i = 1; i < 32; i++) escape[sprintf("%c", i)] = sprintf("\\u%04x", i)
        escape["\""] = "\\\""
        escape["\\"] = "\\\\"
        s = ENVIRON["QUOTED"]
        n = length(s)
        printf "\""
        for (i = 1; i <= n; i++) {
            c = substr(s, i, 1)
            if (c in escape) c = escape[c]
            printf "%s", c
        }
        printf "\""
    }'
}

# member LIST NAME TEXT: the list of members with one more string, if there is a text
member() {
    if [ -z "$3" ]; then
        printf '%s' "$1"
    else
        printf '%s"%s":%s' "${1:+$1,}" "$2" "$(quote "$3")"
    fi
}

matches() { # TEXT PATTERN(extended, whole)
    PATTERN_TEXT=$1 awk -v form="^($2)\$" 'BEGIN { exit !(ENVIRON["PATTERN_TEXT"] ~ form) }'
}

is_id() {
    case $1 in
    '' | [!0-9A-Za-z]* | *[!0-9A-Za-z_-]*) return 1 ;;
    esac
    [ "${#1}" -le 64 ]
}

is_digest() {
    case $1 in
    sha256:*[!0-9a-f]*) return 1 ;;
    sha256:*) [ "${#1}" -eq 71 ] ;;
    *) return 1 ;;
    esac
}

is_count() { # a whole number without leading zeros, short enough for arithmetic
    case $1 in
    '' | *[!0-9]* | 0?*) return 1 ;;
    esac
    [ "${#1}" -le 12 ]
}

# is_past TIME: fails for a time to come; 2 for what is no UTC time
is_past() {
    matches "$1" '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]([.][0-9]+)?(Z|[+-]00:00)' || return 2
    awk -v then="$1" -v now="$(date -u +%Y-%m-%dT%H:%M:%S)" \
        'BEGIN { exit !(substr(then, 1, 19) "" <= now "") }'
}

# --- The portal over HTTP --------------------------------------------------------------

# call METHOD PATH SECONDS [BODY [KEY]]: 0 for an answer (got_problem is empty, or the code
# of a problem), 1 for none (got_why says why). The token goes to curl through a pipe.
call() {
    got_problem=
    got_status=
    got_why=
    rm -f "$work.body" "$work.flat"
    read_token || return 1
    if [ -n "${4:-}" ]; then
        printf '%s' "$4" >"$work.out"
        set -- "$1" "$2" "$3" "${5:-}" --data-binary "@$work.out" --header 'Content-Type: application/json'
    else
        set -- "$1" "$2" "$3" ''
    fi
    call_method=$1
    call_path=$2
    call_seconds=$3
    call_key=$4
    shift 4
    [ -z "$call_key" ] || set -- "$@" --header "Idempotency-Key: $call_key"
    printf 'header = "Authorization: Bearer %s"\n' "$token" |
        curl -q --config - --silent --show-error --proto '=http,https' --max-redirs 0 \
            --request "$call_method" --max-time "$call_seconds" --max-filesize "$ANSWER_BYTES" \
            --user-agent "countersign-sh/$VERSION" --header 'Accept: application/json' \
            --header 'Expect:' "$@" --output "$work.body" \
            --write-out '%{http_code} %{content_type}' \
            "$address$call_path" >"$work.code" 2>"$work.error" &
    curl_pid=$!
    wait "$curl_pid"
    curl_status=$?
    curl_pid=
    if [ "$curl_status" -ne 0 ]; then
        got_why=$(tr -c '[:print:]' ' ' <"$work.error")
        return 1
    fi
    read_answer
}

# read_answer: what the HTTP status and the body together mean
read_answer() {
    read -r got_status got_type <"$work.code" || [ -n "$got_status" ]
    got_why="it answers $got_status"
    case $got_status in
    200 | 201) ;;
    408 | 425 | 429) return 1 ;;
    4??) ;;
    *) return 1 ;;
    esac
    got_why="it answers $got_status with something other than JSON"
    case $got_type in
    application/json | application/json\;* | *+json | *+json\;*) ;;
    *) return 1 ;;
    esac
    [ "$(wc -c <"$work.body")" -le "$ANSWER_BYTES" ] || return 1
    flatten <"$work.body" >"$work.flat" || return 1
    field '' o >/dev/null || return 1
    case $got_status in
    4??)
        got_why="it answers $got_status without a problem code"
        got_problem=$(field code s) || return 1
        ;;
    esac
    got_why=
}

# persist UNTIL FUNCTION ...: does it until it answers; fails once UNTIL passes
persist() {
    persist_until=$1
    shift
    persist_tries=0
    until "$@"; do
        persist_tries=$((persist_tries + 1))
        pause=$(awk -v tries="$persist_tries" -v seed="$$$(now)" 'BEGIN {
            srand(seed % 2147483647)
            most = 2 ^ (tries < 4 ? tries : 4)
            print int(1 + rand() * (most - 1)) }')
        [ $(($(now) + pause)) -le "$persist_until" ] || return 1
        if [ "$persist_tries" -eq 1 ]; then
            say "No answer from the portal: $got_why. Trying for $((persist_until - $(now)))s."
        fi
        nap "$pause"
    done
    [ "$persist_tries" -eq 0 ] || say "The portal answers again."
}

unreachable() { stop 69 "The portal cannot be reached: $got_why. Nothing was run."; }

# nap SECONDS: a sleep that a signal can end, and that holds no pipe of ours open
nap() {
    sleep "$1" >/dev/null 2>&1 &
    nap_pid=$!
    wait "$nap_pid"
    nap_pid=
}

# problem_sentence: detail and field messages of the problem just read
problem_sentence() {
    awk -F '\t' '
        $1 == "detail" || (($1 == "title" || $1 == "code") && text == "") { text = $3 }
        $1 ~ /^errors[.][0-9]+[.](field|message)$/ {
            split($1, part, ".")
            error[part[2], part[3]] = $3
            if (part[2] + 0 >= count) count = part[2] + 1
        }
        END { # the first one often is the detail
            for (k = 0; k < count; k++) if (!index(text, error[k, "message"]))
                more = more " " error[k, "field"] ": " error[k, "message"]
            print text more
        }' "$work.flat"
}

# refuse: ends with the status that fits the problem just read
refuse() {
    sentence=$(problem_sentence)
    case $got_status$got_problem in
    410*) stop 66 "$sentence" ;;
    403* | *no-eligible-approver | *illegal-state | *not-approved) stop 65 "$sentence" ;;
    *) stop 64 "The portal refused the call ($got_problem): $sentence" ;;
    esac
}

# --- What is asked ---------------------------------------------------------------------

read_token() {
    token=${COUNTERSIGN_TOKEN:-}
    if [ -z "$token" ] && [ -n "${COUNTERSIGN_TOKEN_FILE:-}" ]; then
        token=$(cat "$COUNTERSIGN_TOKEN_FILE" 2>/dev/null)
    fi
    case $token in
    '' | *[!A-Za-z0-9._~+/=-]*)
        got_why='put the token in COUNTERSIGN_TOKEN or COUNTERSIGN_TOKEN_FILE'
        token=
        return 1
        ;;
    esac
}

read_address() {
    address=${COUNTERSIGN_URL:-}
    while [ "$address" != "${address%/}" ]; do address=${address%/}; done
    case $address in
    *[!!-~]* | *[@?#\"\\]*) address= ;;
    esac
    case $address in
    http://127.0.0.1 | http://127.0.0.1[:/]* | http://localhost | http://localhost[:/]*) ;;
    http://?*) say 'Warning: the address is not https, so the token can be read on the way.' ;;
    https://?*) ;;
    *) stop 64 'Set COUNTERSIGN_URL to the address of the portal, like https://countersign.example.' ;;
    esac
}

seconds_of() {
    case $1 in
    *s) got_seconds=${1%s} unit=1 ;;
    *m) got_seconds=${1%m} unit=60 ;;
    *h) got_seconds=${1%h} unit=3600 ;;
    *d) got_seconds=${1%d} unit=86400 ;;
    *) got_seconds=$1 unit=1 ;;
    esac
    is_count "$got_seconds" && [ "${#got_seconds}" -le 8 ] ||
        usage "$1 is not a duration such as 90s, 30m or 24h."
    got_seconds=$((got_seconds * unit))
}

add_claim() {
    claim_name=${1%%=*}
    claim_value=${1#*=}
    case $1 in
    =* | [!=]*=*) ;;
    *) usage "--claim $1: give each name once, as name=value." ;;
    esac
    case "$NEWLINE$claim_names$NEWLINE" in
    *"$NEWLINE$claim_name$NEWLINE"*) usage "--claim $1: give each name once, as name=value." ;;
    esac
    [ -n "$claim_name" ] || usage "--claim $1: give each name once, as name=value."
    claim_names=$claim_names$NEWLINE$claim_name
    printf '%s' "$claim_value" | flatten >/dev/null || claim_value=$(quote "$claim_value")
    claims="${claims:+$claims,}$(quote "$claim_name"):$claim_value"
}

# read_options ARGUMENT ...: sets the variables below; got_used counts what is not the command
read_options() {
    project='' environment='' action='' commit='' ref='' artifact='' plan='' run_id=''
    run_attempt='' run_url='' reason='' labels='' claims='' claim_names='' key=''
    timeout=86400 retry_for=60 max_drift=3 receipt_file=''
    got_used=0
    while [ $# -gt 0 ]; do
        option=$1
        shift
        got_used=$((got_used + 1))
        case $option in
        --) break ;;
        -h | --help) help && exit 0 ;;
        --*) ;;
        *) usage "Unknown argument $option." ;;
        esac
        case $option in
        --*=*) set -- "${option#*=}" "$@" && option=${option%%=*} ;;
        *)
            [ $# -gt 0 ] || usage "$option needs a value."
            got_used=$((got_used + 1))
            ;;
        esac
        set_option "$option" "$1"
        shift
    done
}

set_option() {
    case $1 in
    --project) project=$2 ;;
    --environment) environment=$2 ;;
    --action) action=$2 ;;
    --commit) commit=$2 ;;
    --ref) ref=$2 ;;
    --artifact) artifact=$2 ;;
    --plan) plan=$2 ;;
    --run-id) run_id=$2 ;;
    --run-attempt) run_attempt=$2 ;;
    --run-url) run_url=$2 ;;
    --reason) reason=$2 ;;
    --label) labels="${labels:+$labels,}$(quote "$2")" ;;
    --claim) add_claim "$2" ;;
    --idempotency-key) key=$2 ;;
    --timeout) seconds_of "$2" && timeout=$got_seconds ;;
    --retry-for) seconds_of "$2" && retry_for=$got_seconds ;;
    --max-drift) max_drift=$2 ;;
    --receipt-file) receipt_file=$2 ;;
    *) usage "Unknown option $1." ;;
    esac
}

# read_ci: run, commit and ref as the CI system says, under what the options say
read_ci() {
    ci_id='' ci_attempt=1 ci_url='' ci_pipeline='' ci_job='' ci_actor='' ci_system=''
    ci_commit='' ci_ref=''
    if [ -n "${GITHUB_ACTIONS:-}" ] && [ -n "${GITHUB_RUN_ID:-}" ]; then
        ci_system=github ci_id=$GITHUB_RUN_ID ci_attempt=${GITHUB_RUN_ATTEMPT:-1}
        is_count "$ci_attempt" || ci_attempt=1
        if [ -n "${GITHUB_SERVER_URL:-}" ] && [ -n "${GITHUB_REPOSITORY:-}" ]; then
            ci_url=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$ci_id/attempts/$ci_attempt
        fi
        ci_pipeline=${GITHUB_WORKFLOW:-} ci_job=${GITHUB_JOB:-}
        ci_actor=${GITHUB_TRIGGERING_ACTOR:-${GITHUB_ACTOR:-}}
        ci_commit=${GITHUB_SHA:-} ci_ref=${GITHUB_REF:-}
    elif [ -n "${CI_JOB_ID:-}" ] && [ -n "${CI_PIPELINE_ID:-}" ]; then
        ci_system=gitlab ci_id=$CI_JOB_ID ci_url=${CI_JOB_URL:-}
        ci_pipeline=${CI_PIPELINE_NAME:-$CI_PIPELINE_ID} ci_job=${CI_JOB_NAME:-}
        ci_actor=${GITLAB_USER_LOGIN:-} ci_commit=${CI_COMMIT_SHA:-}
        if [ -n "${CI_COMMIT_TAG:-}" ]; then
            ci_ref=refs/tags/$CI_COMMIT_TAG
        elif [ -n "${CI_COMMIT_BRANCH:-}" ]; then
            ci_ref=refs/heads/$CI_COMMIT_BRANCH
        fi
    fi
    [ -n "$ci_id" ] || ci_id=process-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    run_id=${run_id:-$ci_id}
    run_attempt=${run_attempt:-$ci_attempt}
    run_url=${run_url:-$ci_url}
    [ -n "$commit$artifact$plan" ] || commit=$ci_commit
    if [ -n "$commit" ] && [ "$commit" = "$ci_commit" ]; then ref=${ref:-$ci_ref}; fi
}

check_options() {
    for required in "$project" "$environment" "$action"; do
        [ -n "$required" ] || usage 'Give --project, --environment and --action.'
    done
    [ -n "$commit$artifact$plan" ] ||
        usage 'Say what is acted on: --commit, --artifact or --plan.'
    is_count "$run_attempt" && [ "$run_attempt" -ge 1 ] ||
        usage '--run-attempt is a whole number from 1.'
    is_count "$max_drift" && [ "$max_drift" -ge 1 ] || usage '--max-drift is a whole number from 1.'
    case $key in
    *[!!-~]*) usage 'An idempotency key is 1 to 200 visible ASCII characters.' ;;
    esac
    [ "${#key}" -le 200 ] || usage 'An idempotency key is 1 to 200 visible ASCII characters.'
}

# build_question: question (the JSON body), run (for the later calls) and key
build_question() {
    subject=$(member '' commit "$commit")
    subject=$(member "$subject" ref "$ref")
    subject=$(member "$subject" artifact "$artifact")
    subject=$(member "$subject" plan "$plan")
    run="\"id\":$(quote "$run_id"),\"attempt\":$run_attempt"
    who=$(member "$run" url "$run_url")
    who=$(member "$who" pipeline "$ci_pipeline")
    who=$(member "$who" job "$ci_job")
    who=$(member "$who" actor "$ci_actor")
    who=$(member "$who" system "$ci_system")
    question=$(member '' project "$project")
    question=$(member "$question" environment "$environment")
    question=$(member "$question" action "$action")
    question="$question,\"subject\":{$subject},\"run\":{$who}"
    question=$(member "$question" reason "$reason")
    [ -z "$labels" ] || question="$question,\"labels\":[$labels]"
    [ -z "$claims" ] || question="$question,\"claims\":{$claims}"
    question="{$question}"
    printf '{%s}' "$run" | flatten >"$dir/run.flat" # how our run reads in their answers
    [ -n "$key" ] || key=countersign-$(printf '%s' "$question" | digest_of_input)
}

digest_of_input() {
    if command -v sha256sum >/dev/null; then
        sha256sum | cut -c 1-64
    else
        shasum -a 256 | cut -c 1-64
    fi
}

# --- Reading answers -------------------------------------------------------------------

# read_request: the request in the answer just read, whole and ours, or no answer
read_request() {
    got_why='its answer is not a whole request'
    new_id=$(field id s) && is_id "$new_id" || return 1
    new_digest=$(field digest s) && is_digest "$new_digest" || return 1
    new_status=$(field status s) || return 1
    new_version=$(field version n) && is_count "$new_version" || return 1
    new_round=$(field round n) && is_count "$new_round" || return 1
    new_url=$(field url s) && new_summary=$(field summary s) && field drift a >/dev/null || return 1
    case $new_status in
    submitted | pending | approved | redeemed | rejected | denied) ;;
    withdrawn | superseded | revoked | expired) ;;
    *) return 1 ;;
    esac
    got_why='it answers about another request'
    [ "${id:-$new_id}$new_digest" = "$new_id${digest:-$new_digest}" ] || return 1
    id=$new_id digest=$new_digest status=$new_status version=$new_version round=$new_round
    url=$new_url summary=$new_summary
    got_why=
}

ask_once() {
    call POST /api/v1/requests "$CALL_SECONDS" "$question" "$key" || return 1
    [ -n "$got_problem" ] || read_request
}

read_once() {
    left=$((deadline - $(now)))
    [ "$left" -ge 0 ] || left=0
    [ "$left" -le "$POLL_SECONDS" ] || left=$POLL_SECONDS
    call GET "/api/v1/requests/$id?wait=$left&after=$version" $((left + 15)) || return 1
    [ -n "$got_problem" ] || read_request
}

redeem_once() {
    call POST "/api/v1/requests/$id/redeem" "$REDEEM_SECONDS" \
        "{\"run\":{$run},\"digest\":\"$digest\"}" || return 1
    [ -n "$got_problem" ] || read_permit
}

# read_permit: the one place that says go. 0: got_permit is good to use, or got_refusal and
# got_exit say why it is not; 1: the answer could not be read in full.
read_permit() {
    got_permit='' got_refusal='' got_exit=''
    got_why='its answer is not a whole permit'
    permit_id=$(field permit.id s) && is_id "$permit_id" || return 1
    permit_status=$(field permit.status s) || return 1
    expires=$(field permit.expires_at s) || return 1
    interval=$(field permit.heartbeat_seconds n) && is_count "$interval" || return 1
    [ "$interval" -ge 1 ] || return 1
    receipt=$(field receipt o) && payload=$(field receipt.payload s) || return 1
    [ "$(field receipt.payloadType s)" = application/vnd.in-toto+json ] || return 1
    printf '%s' "$payload" | base64 -d >"$work.statement" 2>/dev/null || return 1
    flatten <"$work.statement" >"$work.flat" || return 1
    receipt_expires=$(field predicate.expiresAt s) || return 1
    named="$(field predicate.request.id s) $(field predicate.request.digest s)"
    by="$(field predicate.run.id s) $(field predicate.run.attempt n)"
    decided=$(field predicate.decision s)
    judge_permit || return 1
    got_why=
    [ -n "$got_refusal" ] || got_permit=$permit_id
}

# judge_permit: whether what was read fits; sets got_refusal and got_exit if it does not
judge_permit() {
    if [ "$permit_status" = expired ]; then
        got_refusal='The permit is expired.' got_exit=66
    elif [ "$permit_status" != issued ]; then
        got_refusal="The permit of this run attempt is $permit_status: a permit is used once; start a new run attempt."
        got_exit=65
    elif [ "$named" != "$id $digest" ]; then
        got_refusal='The receipt is for another request. Nothing was run.' got_exit=70
    elif [ "$by" != "$(field id s "$dir/run") $run_attempt" ]; then
        got_refusal='The receipt is for another run. Nothing was run.' got_exit=70
    elif [ "$decided" != approved ]; then
        got_refusal='The receipt does not say approved. Nothing was run.' got_exit=70
    fi
    check_time "$expires" && check_time "$receipt_expires"
}

# check_time TIME: fails for what is no time; a past time is a refusal
check_time() {
    is_past "$1"
    case $? in
    0) got_refusal="The permit is over since $1." && got_exit=66 ;;
    1) ;;
    *) return 1 ;;
    esac
}

# --- The gate --------------------------------------------------------------------------

# watch: says what is new about the request, ends when it is closed or drifts too often
watch() {
    if [ "$round" -gt $((drifts + 1)) ]; then
        drifts=$((round - 1))
        say_drift
    fi
    case $status in
    expired) stop 66 "Expired. $(reasons)" ;;
    rejected | denied | withdrawn | superseded | revoked) stop 65 "Closed: $status. $(reasons)" ;;
    esac
    show_status "$summary"
    if [ "$drifts" -ge "$max_drift" ]; then
        withdraw 'the run stopped waiting'
        stop 67 "The world moved $drifts times between approval and redeem. Nothing was run."
    fi
}

# say_drift: each fact's old and new value, from the answer just read
say_drift() {
    awk -F '\t' '
        $1 ~ /^drift[.][0-9]+[.](fact|old|new)$/ && !(($1) in seen) {
            seen[$1] = 1
            split($1, part, ".")
            value[part[2], part[3]] = substr($3, 1, 200)
            if (part[2] + 0 >= count) count = part[2] + 1
        }
        END { for (k = 0; k < count && k < 20; k++)
            print "Drift: " value[k, "fact"] " was " value[k, "old"] ", is now " value[k, "new"] "."
        }' "$work.flat" >"$dir/drift"
    while IFS= read -r drift_line; do say "$drift_line"; done <"$dir/drift"
}

# reasons: the summary, the verdict's explanation of a denial, who rejected and why
reasons() {
    awk -F '\t' -v status="$status" '
        $1 == "summary" { text = $3 }
        status == "denied" && $1 ~ /^verdict[.]explanation[.][0-9]+$/ { more = more " " $3 }
        $1 ~ /^decisions[.][0-9]+[.](person|outcome|comment)$/ {
            split($1, part, ".")
            value[part[2], part[3]] = $3
            if (part[2] + 0 >= count) count = part[2] + 1
        }
        END {
            for (k = 0; k < count; k++) if (value[k, "outcome"] == "reject")
                more = more " " value[k, "person"] ": " value[k, "comment"]
            print text more
        }' "$work.flat"
}

# obtain_permit: asks, waits and redeems; returns once got_permit is good to use
obtain_permit() {
    patience=$(($(now) + retry_for))
    [ "$patience" -le "$deadline" ] || patience=$deadline
    persist "$patience" ask_once || unreachable
    [ -z "$got_problem" ] || refuse
    say "Request $id: $url"
    while :; do
        watch
        case $status in
        approved | redeemed) redeem && return ;;
        esac
        next_version
    done
}

# redeem: fails when the request went back to waiting
redeem() {
    persist "$deadline" redeem_once || unreachable
    case $got_problem in
    '')
        [ -z "$got_refusal" ] || stop "$got_exit" "$got_refusal"
        return 0
        ;;
    drift)
        drifts=$((drifts + 1))
        say_drift
        ;;
    not-approved | illegal-state) ;; # it moved under us: the next reading says where to
    *) refuse ;;
    esac
    return 1
}

next_version() {
    asked_at=$(now)
    if [ "$asked_at" -ge "$deadline" ]; then
        withdraw 'the run stopped waiting'
        stop 66 'No decision came within --timeout. Nothing was run.'
    fi
    old_version=$version
    persist "$deadline" read_once || unreachable
    [ -z "$got_problem" ] || refuse
    # Something on the way may not let the read wait: do not hammer.
    if [ "$version" -le "$old_version" ] && [ "$(now)" -le $((asked_at + 1)) ]; then nap 1; fi
}

withdraw_once() {
    if [ -z "$id" ]; then # cancelled while asking: the key tells whether it arrived
        call POST /api/v1/requests 5 "$question" "$key" && [ -z "$got_problem" ] || return
        read_request || return
    fi
    call POST "/api/v1/requests/$id/withdraw" 5 "{\"run\":{$run},\"reason\":\"$why_withdrawn\"}"
}

# withdraw WHY: takes the request back as well as that can be done within a few seconds
withdraw() {
    why_withdrawn=$1
    if ! persist $(($(now) + 8)) withdraw_once; then
        say "The request could not be withdrawn: $got_why"
    elif [ -n "$got_problem" ]; then
        say "The request could not be withdrawn: $(problem_sentence)"
    else
        say "Request withdrawn: $1."
    fi
}

finish_once() {
    call POST "/api/v1/permits/$got_permit/finish" "$CALL_SECONDS" \
        "{\"run\":{$run},\"outcome\":\"$outcome\",\"exit_code\":$ended}"
}

# finish STATUS: reports how it ended; the exit status stays the command's in any case
finish() {
    ended=$1
    outcome=failed
    [ "$ended" -ne 0 ] || outcome=succeeded
    if ! persist $(($(now) + retry_for)) finish_once; then
        say "The end could not be reported: $got_why"
    elif [ -n "$got_problem" ]; then
        say "The end could not be reported: $(problem_sentence)"
    fi
}

# beat SECONDS: one heartbeat; a missed one is said once, and never fatal to the command
beat() {
    if call POST "/api/v1/permits/$got_permit/heartbeat" "$1" "{\"run\":{$run}}" &&
        [ -z "$got_problem" ]; then
        missed=
    else
        [ -n "$missed" ] || say "The portal misses our heartbeat: ${got_why:-$(problem_sentence)}"
        missed=yes
    fi
}

# begin_beats: the first heartbeat and then the others, each with files of its own, so that
# they do not meet those of finish
begin_beats() {
    missed=''
    (
        trap - EXIT HUP INT TERM
        work=$dir/first
        beat 5
    ) &
    first_beat=$!
    (
        trap - EXIT HUP INT
        trap 'kill $curl_pid $nap_pid 2>/dev/null; exit 0' TERM
        work=$dir/beat
        # A signal may come before the trap; and if our shell is killed, nobody sends one.
        until [ -e "$dir/over" ] || ! nap "$interval" || ! kill -0 $$ 2>/dev/null; do
            beat "$CALL_SECONDS"
        done
    ) &
    beats=$!
}

end_beats() {
    : >"$dir/over"
    kill "$beats" 2>/dev/null
    wait "$beats" 2>/dev/null
    wait "$first_beat" # so that the portal hears "running" before it hears the end
}

# cancel NUMBER NAME: a signal before the command runs
cancel() {
    trap '' HUP INT TERM
    # shellcheck disable=SC2086 # no process, no word
    kill $curl_pid $nap_pid 2>/dev/null
    say "Stopped by SIG$2 before the command ran."
    if [ -n "$got_permit" ]; then
        finish $((128 + $1))
    else
        withdraw "the run was stopped by SIG$2"
    fi
    exit $((128 + $1))
}

# forward NAME: a signal while the command runs. A shell starts background commands deaf to
# SIGINT, so that one is passed on as SIGTERM.
forward() {
    interrupted=$1
    [ -z "$child" ] || kill -s "$1" "$child" 2>/dev/null
}

# execute COMMAND ...: got_ended is its exit status
execute() {
    COUNTERSIGN_PERMIT_ID=$got_permit
    COUNTERSIGN_REQUEST_ID=$id
    COUNTERSIGN_RECEIPT_FILE=${receipt_file:-$dir/receipt.json}
    export COUNTERSIGN_PERMIT_ID COUNTERSIGN_REQUEST_ID COUNTERSIGN_RECEIPT_FILE
    if [ -n "$receipt_file" ]; then : >"$receipt_file" && chmod 600 "$receipt_file"; fi
    printf '%s\n' "$receipt" >"$COUNTERSIGN_RECEIPT_FILE" || stop 70 'The receipt cannot be written.'
    begin_beats
    child='' interrupted=''
    trap 'forward TERM' INT TERM
    trap 'forward HUP' HUP
    exec 3<&0
    (
        trap - HUP TERM EXIT
        unset COUNTERSIGN_TOKEN COUNTERSIGN_TOKEN_FILE
        exec 3<&-
        exec "$@"
    ) <&3 &
    child=$!
    exec 3<&-
    [ -z "$interrupted" ] || forward "$interrupted" # it came before there was a child
    interrupted=again
    while [ -n "$interrupted" ]; do
        interrupted=
        wait "$child"
        got_ended=$?
    done
    trap '' HUP INT TERM
    end_beats
}

gate() {
    read_options "$@"
    shift "$got_used"
    read_ci
    check_options
    [ $# -gt 0 ] || usage 'Give the command to run after --.'
    read_address
    read_token || stop 64 "No token: $got_why."
    for needed in curl awk base64 mktemp; do
        command -v "$needed" >/dev/null || stop 70 "This image has no $needed."
    done
    dir=$(mktemp -d "${TMPDIR:-/tmp}/countersign.XXXXXX") || stop 70 'No temporary directory.'
    work=$dir/call
    trap 'rm -rf "$dir"' EXIT
    build_question
    started_at=$(now)
    deadline=$((started_at + timeout))
    id='' digest='' version=0 drifts=0 shown='' shown_at=0 got_permit='' curl_pid='' nap_pid=''
    trap 'cancel 1 HUP' HUP
    trap 'cancel 2 INT' INT
    trap 'cancel 15 TERM' TERM
    obtain_permit
    say "Approved: permit $got_permit until $expires."
    execute "$@"
    finish "$got_ended"
    exit "$got_ended"
}

case ${1:-} in
gate)
    shift
    gate "$@"
    ;;
-h | --help) help ;;
--version) echo "countersign.sh $VERSION" ;;
*) usage "This client has one step: gate." ;;
esac
