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
# Functions answer through variables whose names start with cs_got_; POSIX sh has no locals.
# All variables start with cs_, because assigning to one that came exported would change the
# environment of the command, and could hand it the token. Those of the caller are dropped.

set -u
for cs_name in $(env | awk -F= '/^cs_[A-Za-z0-9_]*=/ { print $1 }'); do unset "$cs_name"; done
unset cs_name
cs_umask=$(umask)
cs_locale=${LC_ALL-unset}
LC_ALL=C # bytes, so that comparing and cutting text means the same in every awk
export LC_ALL
umask 077

cs_VERSION=0.1.0
cs_POLL_SECONDS=55
cs_REDEEM_SECONDS=60 # the portal looks at the world again before it answers
cs_CALL_SECONDS=20
cs_ANSWER_BYTES=1048576
cs_NEWLINE='
'

# --- Lines for people ------------------------------------------------------------------

# say TEXT: one line on standard error, without the token wherever the text comes from
say() {
    cs_text=$1
    if [ -n "${cs_token:-}" ]; then
        while :; do
            case $cs_text in
            *"$cs_token"*) cs_text="${cs_text%%"$cs_token"*}[token]${cs_text#*"$cs_token"}" ;;
            *) break ;;
            esac
        done
    fi
    printf 'countersign: %s\n' "$cs_text" >&2
}

# stop STATUS TEXT: the end, before the command ran
stop() {
    say "$2"
    exit "$1"
}

# show_status TEXT: said when it changes, and about once a minute while it does not
show_status() {
    cs_moment=$(now)
    if [ "$1" != "$cs_shown" ]; then
        say "$1"
    elif [ $((cs_moment - cs_shown_at)) -ge 50 ]; then
        say "$1 ($(((cs_moment - cs_started_at) / 60)) minutes)"
    else
        return
    fi
    cs_shown=$1
    cs_shown_at=$cs_moment
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
cs_FLATTEN='
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
flatten() { awk "$cs_FLATTEN"; }

# field PATH TYPE [WORK]: the text of a value of this type; fails unless it is there once
field() {
    awk -F '\t' -v path="$1" -v type="$2" '
        $1 "" == path "" { times++; if ($2 "" == type "") { right++; text = $3 } }
        END { if (times != 1 || right != 1) exit 1; print text }' "${3:-$cs_work}.flat"
}

# quote TEXT: the text as a JSON string
quote() {
    cs_QUOTED=$1 awk 'BEGIN {
        for (i = 1; i < 32; i++) escape[sprintf("%c", i)] = sprintf("\\u%04x", i)
        escape["\""] = "\\\""
        escape["\\"] = "\\\\"
        s = ENVIRON["cs_QUOTED"]
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
    cs_PATTERN_TEXT=$1 awk -v form="^($2)\$" 'BEGIN { exit !(ENVIRON["cs_PATTERN_TEXT"] ~ form) }'
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

# call METHOD PATH SECONDS [BODY [KEY]]: 0 for an answer (cs_got_problem is empty, or the code
# of a problem), 1 for none (cs_got_why says why; cs_got_told is set if it is the portal's own
# sentence). The token goes to curl through a pipe.
call() {
    cs_got_problem=
    cs_got_status=
    cs_got_why=
    cs_got_told=
    rm -f "$cs_work.body" "$cs_work.flat"
    read_token || return 1
    if [ -n "${4:-}" ]; then
        printf '%s' "$4" >"$cs_work.out"
        set -- "$1" "$2" "$3" "${5:-}" --data-binary "@$cs_work.out" --header 'Content-Type: application/json'
    else
        set -- "$1" "$2" "$3" ''
    fi
    cs_call_method=$1
    cs_call_path=$2
    cs_call_seconds=$3
    cs_call_key=$4
    shift 4
    [ -z "$cs_call_key" ] || set -- "$@" --header "Idempotency-Key: $cs_call_key"
    printf 'header = "Authorization: Bearer %s"\n' "$cs_token" |
        curl -q --config - --silent --show-error --proto '=http,https' --max-redirs 0 \
            --request "$cs_call_method" --max-time "$cs_call_seconds" --max-filesize "$cs_ANSWER_BYTES" \
            --user-agent "countersign-sh/$cs_VERSION" --header 'Accept: application/json' \
            --header 'Expect:' "$@" --output "$cs_work.body" \
            --write-out '%{http_code} %{content_type}' \
            "$cs_address$cs_call_path" >"$cs_work.code" 2>"$cs_work.error" &
    cs_curl_pid=$!
    wait "$cs_curl_pid"
    cs_curl_status=$?
    cs_curl_pid=
    if [ "$cs_curl_status" -ne 0 ]; then
        cs_got_why=$(tr -c '[:print:]' ' ' <"$cs_work.error")
        return 1
    fi
    read_answer
}

# read_answer: what the HTTP status and the body together mean
read_answer() {
    read -r cs_got_status cs_got_type <"$cs_work.code" || [ -n "$cs_got_status" ]
    cs_got_why="it answers $cs_got_status"
    case $cs_got_status in
    200 | 201) ;;
    408 | 425 | 429 | 5??)
        read_object && field code s >/dev/null && cs_got_why=$(problem_sentence) && cs_got_told=yes
        return 1
        ;;
    4??) ;;
    *) return 1 ;;
    esac
    cs_got_why="it answers $cs_got_status with something other than JSON"
    read_object || return 1
    case $cs_got_status in
    4??)
        cs_got_why="it answers $cs_got_status without a problem code"
        cs_got_problem=$(field code s) || return 1
        ;;
    esac
    cs_got_why=
}

# read_object: the body as one JSON object of a sensible size
read_object() {
    case $cs_got_type in
    application/json | application/json\;* | *+json | *+json\;*) ;;
    *) return 1 ;;
    esac
    [ "$(wc -c <"$cs_work.body")" -le "$cs_ANSWER_BYTES" ] || return 1
    flatten <"$cs_work.body" >"$cs_work.flat" || return 1
    field '' o >/dev/null
}

# persist UNTIL FUNCTION ...: does it until it answers; fails once UNTIL passes
persist() {
    cs_persist_until=$1
    shift
    cs_persist_tries=0
    cs_persist_said=
    until "$@"; do
        cs_persist_tries=$((cs_persist_tries + 1))
        cs_pause=$(awk -v tries="$cs_persist_tries" -v seed="$$$(now)" 'BEGIN {
            srand(seed % 2147483647)
            most = 2 ^ (tries < 4 ? tries : 4)
            print int(1 + rand() * (most - 1)) }')
        [ $(($(now) + cs_pause)) -le "$cs_persist_until" ] || return 1
        if [ "$cs_persist_said" != "told:$cs_got_told" ]; then
            cs_persist_said=told:$cs_got_told
            cs_left=$((cs_persist_until - $(now)))
            if [ -n "$cs_got_told" ]; then
                say "Not now: $cs_got_why Trying for ${cs_left}s."
            else
                say "No answer from the portal: $cs_got_why. Trying for ${cs_left}s."
            fi
        fi
        nap "$cs_pause"
    done
    [ "$cs_persist_tries" -eq 0 ] || say "The portal answers again."
}

unreachable() {
    [ -n "$cs_got_told" ] || cs_got_why="The portal cannot be reached: $cs_got_why."
    stop 69 "$cs_got_why Nothing was run."
}

# unanswered: the time to wait is over without an answer; the request is taken back
unanswered() {
    cs_unanswered=$cs_got_why cs_was_told=$cs_got_told
    withdraw 'the run stopped waiting'
    cs_got_why=$cs_unanswered cs_got_told=$cs_was_told
    unreachable
}

# nap SECONDS: a sleep that a signal can end, and that holds no pipe of ours open
nap() {
    sleep "$1" >/dev/null 2>&1 &
    cs_nap_pid=$!
    wait "$cs_nap_pid"
    cs_nap_pid=
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
            print text more pass
        }' "$cs_work.flat"
}

# refuse: ends with the status that fits the problem just read
refuse() {
    cs_sentence=$(problem_sentence)
    case $cs_got_status$cs_got_problem in
    410*) stop 66 "$cs_sentence" ;;
    403* | *no-eligible-approver | *illegal-state | *not-approved | *already-running | *archived)
        stop 65 "$cs_sentence"
        ;;
    *) stop 64 "The portal refused the call ($cs_got_problem): $cs_sentence" ;;
    esac
}

# --- What is asked ---------------------------------------------------------------------

read_token() {
    cs_token=${COUNTERSIGN_TOKEN:-}
    if [ -z "$cs_token" ] && [ -n "${COUNTERSIGN_TOKEN_FILE:-}" ]; then
        cs_token=$(cat "$COUNTERSIGN_TOKEN_FILE" 2>/dev/null)
    fi
    case $cs_token in
    '' | *[!A-Za-z0-9._~+/=-]*)
        cs_got_why='put the token in COUNTERSIGN_TOKEN or COUNTERSIGN_TOKEN_FILE'
        cs_token=
        return 1
        ;;
    esac
}

read_address() {
    cs_address=${COUNTERSIGN_URL:-}
    while [ "$cs_address" != "${cs_address%/}" ]; do cs_address=${cs_address%/}; done
    case $cs_address in
    *[!!-~]* | *[@?#\"\\]*) cs_address= ;;
    esac
    case $cs_address in
    http://127.0.0.1 | http://127.0.0.1[:/]* | http://localhost | http://localhost[:/]*) ;;
    http://?*) say 'Warning: the address is not https, so the token can be read on the way.' ;;
    https://?*) ;;
    *) stop 64 'Set COUNTERSIGN_URL to the address of the portal, like https://countersign.example.' ;;
    esac
}

seconds_of() {
    case $1 in
    *s) cs_got_seconds=${1%s} cs_unit=1 ;;
    *m) cs_got_seconds=${1%m} cs_unit=60 ;;
    *h) cs_got_seconds=${1%h} cs_unit=3600 ;;
    *d) cs_got_seconds=${1%d} cs_unit=86400 ;;
    *) cs_got_seconds=$1 cs_unit=1 ;;
    esac
    is_count "$cs_got_seconds" && [ "${#cs_got_seconds}" -le 8 ] ||
        usage "$1 is not a duration such as 90s, 30m or 24h."
    cs_got_seconds=$((cs_got_seconds * cs_unit))
}

add_claim() {
    cs_claim_name=${1%%=*}
    cs_claim_value=${1#*=}
    case $1 in
    =* | [!=]*=*) ;;
    *) usage "--claim $1: give each name once, as name=value." ;;
    esac
    case "$cs_NEWLINE$cs_claim_names$cs_NEWLINE" in
    *"$cs_NEWLINE$cs_claim_name$cs_NEWLINE"*) usage "--claim $1: give each name once, as name=value." ;;
    esac
    [ -n "$cs_claim_name" ] || usage "--claim $1: give each name once, as name=value."
    cs_claim_names=$cs_claim_names$cs_NEWLINE$cs_claim_name
    printf '%s' "$cs_claim_value" | flatten >/dev/null || cs_claim_value=$(quote "$cs_claim_value")
    cs_claims="${cs_claims:+$cs_claims,}$(quote "$cs_claim_name"):$cs_claim_value"
}

# read_options ARGUMENT ...: sets the variables below; cs_got_used counts what is not the command
read_options() {
    cs_project='' cs_environment='' cs_action='' cs_commit='' cs_ref='' cs_artifact='' cs_plan=''
    cs_run_id='' cs_run_attempt='' cs_run_url='' cs_reason='' cs_labels='' cs_claims=''
    cs_claim_names='' cs_key=''
    cs_timeout=86400 cs_retry_for=60 cs_max_drift=3 cs_receipt_file=''
    cs_got_used=0
    while [ $# -gt 0 ]; do
        cs_option=$1
        shift
        cs_got_used=$((cs_got_used + 1))
        case $cs_option in
        --) break ;;
        -h | --help) help && exit 0 ;;
        --*) ;;
        *) usage "Unknown argument $cs_option." ;;
        esac
        case $cs_option in
        --*=*) set -- "${cs_option#*=}" "$@" && cs_option=${cs_option%%=*} ;;
        *)
            [ $# -gt 0 ] || usage "$cs_option needs a value."
            cs_got_used=$((cs_got_used + 1))
            ;;
        esac
        set_option "$cs_option" "$1"
        shift
    done
}

set_option() {
    case $1 in
    --project) cs_project=$2 ;;
    --environment) cs_environment=$2 ;;
    --action) cs_action=$2 ;;
    --commit) cs_commit=$2 ;;
    --ref) cs_ref=$2 ;;
    --artifact) cs_artifact=$2 ;;
    --plan) cs_plan=$2 ;;
    --plan-json) usage 'This client cannot send a plan; use countersign.py for --plan-json.' ;;
    --run-id) cs_run_id=$2 ;;
    --run-attempt) cs_run_attempt=$2 ;;
    --run-url) cs_run_url=$2 ;;
    --reason) cs_reason=$2 ;;
    --label) cs_labels="${cs_labels:+$cs_labels,}$(quote "$2")" ;;
    --claim) add_claim "$2" ;;
    --idempotency-key) cs_key=$2 ;;
    --timeout) seconds_of "$2" && cs_timeout=$cs_got_seconds ;;
    --retry-for) seconds_of "$2" && cs_retry_for=$cs_got_seconds ;;
    --max-drift) cs_max_drift=$2 ;;
    --receipt-file) cs_receipt_file=$2 ;;
    *) usage "Unknown option $1." ;;
    esac
}

# read_ci: run, commit and ref as the CI system says, under what the options say
read_ci() {
    cs_ci_id='' cs_ci_attempt=1 cs_ci_url='' cs_ci_pipeline='' cs_ci_job='' cs_ci_actor=''
    cs_ci_system='' cs_ci_commit='' cs_ci_ref=''
    if [ -n "${GITHUB_ACTIONS:-}" ] && [ -n "${GITHUB_RUN_ID:-}" ]; then
        cs_ci_system=github cs_ci_id=$GITHUB_RUN_ID cs_ci_attempt=${GITHUB_RUN_ATTEMPT:-1}
        is_count "$cs_ci_attempt" || cs_ci_attempt=1
        if [ -n "${GITHUB_SERVER_URL:-}" ] && [ -n "${GITHUB_REPOSITORY:-}" ]; then
            cs_ci_url=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$cs_ci_id/attempts/$cs_ci_attempt
        fi
        cs_ci_pipeline=${GITHUB_WORKFLOW:-} cs_ci_job=${GITHUB_JOB:-}
        cs_ci_actor=${GITHUB_TRIGGERING_ACTOR:-${GITHUB_ACTOR:-}}
        cs_ci_commit=${GITHUB_SHA:-} cs_ci_ref=${GITHUB_REF:-}
    elif [ -n "${CI_JOB_ID:-}" ] && [ -n "${CI_PIPELINE_ID:-}" ]; then
        cs_ci_system=gitlab cs_ci_id=$CI_JOB_ID cs_ci_url=${CI_JOB_URL:-}
        cs_ci_pipeline=${CI_PIPELINE_NAME:-$CI_PIPELINE_ID} cs_ci_job=${CI_JOB_NAME:-}
        cs_ci_actor=${GITLAB_USER_LOGIN:-} cs_ci_commit=${CI_COMMIT_SHA:-}
        if [ -n "${CI_COMMIT_TAG:-}" ]; then
            cs_ci_ref=refs/tags/$CI_COMMIT_TAG
        elif [ -n "${CI_COMMIT_BRANCH:-}" ]; then
            cs_ci_ref=refs/heads/$CI_COMMIT_BRANCH
        fi
    fi
    [ -n "$cs_ci_id" ] || cs_ci_id=process-$(random_text)
    cs_run_id=${cs_run_id:-$cs_ci_id}
    cs_run_attempt=${cs_run_attempt:-$cs_ci_attempt}
    cs_run_url=${cs_run_url:-$cs_ci_url}
    [ -n "$cs_commit$cs_artifact$cs_plan" ] || cs_commit=$cs_ci_commit
    if [ -n "$cs_commit" ] && [ "$cs_commit" = "$cs_ci_commit" ]; then cs_ref=${cs_ref:-$cs_ci_ref}; fi
}

check_options() {
    for cs_required in "$cs_project" "$cs_environment" "$cs_action"; do
        [ -n "$cs_required" ] || usage 'Give --project, --environment and --action.'
    done
    [ -n "$cs_commit$cs_artifact$cs_plan" ] ||
        usage 'Say what is acted on: --commit, --artifact or --plan.'
    is_count "$cs_run_attempt" && [ "$cs_run_attempt" -ge 1 ] ||
        usage '--run-attempt is a whole number from 1.'
    is_count "$cs_max_drift" && [ "$cs_max_drift" -ge 1 ] || usage '--max-drift is a whole number from 1.'
    case $cs_key in
    *[!!-~]*) usage 'An idempotency key is 1 to 200 visible ASCII characters.' ;;
    esac
    [ "${#cs_key}" -le 200 ] || usage 'An idempotency key is 1 to 200 visible ASCII characters.'
}

random_text() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# build_question: cs_question (the JSON body), cs_key and, for the later calls, cs_run and cs_self:
# the run, and this process of it
build_question() {
    cs_subject=$(member '' commit "$cs_commit")
    cs_subject=$(member "$cs_subject" ref "$cs_ref")
    cs_subject=$(member "$cs_subject" artifact "$cs_artifact")
    cs_subject=$(member "$cs_subject" plan "$cs_plan")
    cs_run="\"id\":$(quote "$cs_run_id"),\"attempt\":$cs_run_attempt"
    cs_self="\"run\":{$cs_run},\"starter\":\"$(random_text)\""
    cs_who=$(member "$cs_run" url "$cs_run_url")
    cs_who=$(member "$cs_who" pipeline "$cs_ci_pipeline")
    cs_who=$(member "$cs_who" job "$cs_ci_job")
    cs_who=$(member "$cs_who" actor "$cs_ci_actor")
    cs_who=$(member "$cs_who" system "$cs_ci_system")
    cs_question=$(member '' project "$cs_project")
    cs_question=$(member "$cs_question" environment "$cs_environment")
    cs_question=$(member "$cs_question" action "$cs_action")
    cs_question="$cs_question,\"subject\":{$cs_subject},\"run\":{$cs_who}"
    cs_question=$(member "$cs_question" reason "$cs_reason")
    [ -z "$cs_labels" ] || cs_question="$cs_question,\"labels\":[$cs_labels]"
    [ -z "$cs_claims" ] || cs_question="$cs_question,\"claims\":{$cs_claims}"
    cs_question="{$cs_question}"
    printf '{%s}' "$cs_run" | flatten >"$cs_dir/run.flat" # how our run reads in their answers
    [ -n "$cs_key" ] || cs_key=countersign-$(printf '%s' "$cs_question" | digest_of_input)
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
    cs_got_why='its answer is not a whole request'
    cs_new_id=$(field id s) && is_id "$cs_new_id" || return 1
    cs_new_digest=$(field digest s) && is_digest "$cs_new_digest" || return 1
    cs_new_status=$(field status s) || return 1
    cs_new_version=$(field version n) && is_count "$cs_new_version" || return 1
    cs_new_round=$(field round n) && is_count "$cs_new_round" || return 1
    cs_new_url=$(field url s) && cs_new_summary=$(field summary s) || return 1
    field drift a >/dev/null || return 1
    case $cs_new_status in
    submitted | pending | approved | redeemed | rejected | denied) ;;
    withdrawn | superseded | revoked | expired) ;;
    *) return 1 ;;
    esac
    cs_got_why='it answers about another request'
    [ "${cs_id:-$cs_new_id}$cs_new_digest" = "$cs_new_id${cs_digest:-$cs_new_digest}" ] || return 1
    cs_id=$cs_new_id cs_digest=$cs_new_digest cs_status=$cs_new_status
    cs_version=$cs_new_version cs_round=$cs_new_round cs_url=$cs_new_url cs_summary=$cs_new_summary
    cs_got_why=
}

ask_once() {
    call POST /api/v1/requests "$cs_CALL_SECONDS" "$cs_question" "$cs_key" || return 1
    [ -n "$cs_got_problem" ] || read_request
}

read_once() {
    cs_left=$((cs_deadline - $(now)))
    [ "$cs_left" -ge 0 ] || cs_left=0
    [ "$cs_left" -le "$cs_POLL_SECONDS" ] || cs_left=$cs_POLL_SECONDS
    call GET "/api/v1/requests/$cs_id?wait=$cs_left&after=$cs_version" $((cs_left + 15)) || return 1
    [ -n "$cs_got_problem" ] || read_request
}

redeem_once() {
    call POST "/api/v1/requests/$cs_id/redeem" "$cs_REDEEM_SECONDS" \
        "{\"run\":{$cs_run},\"digest\":\"$cs_digest\"}" || return 1
    [ -n "$cs_got_problem" ] || read_permit
}

# read_permit: the one place that says go. 0: cs_got_permit is good to use, or cs_got_refusal and
# cs_got_exit say why it is not; 1: the answer could not be read in full.
read_permit() {
    cs_got_permit='' cs_got_refusal='' cs_got_exit=''
    cs_got_why='its answer is not a whole permit'
    cs_permit_id=$(field permit.id s) && is_id "$cs_permit_id" || return 1
    cs_permit_status=$(field permit.status s) || return 1
    cs_expires=$(field permit.expires_at s) || return 1
    cs_interval=$(field permit.heartbeat_seconds n) && is_count "$cs_interval" || return 1
    [ "$cs_interval" -ge 1 ] || return 1
    cs_receipt=$(field receipt o) && cs_payload=$(field receipt.payload s) || return 1
    [ "$(field receipt.payloadType s)" = application/vnd.in-toto+json ] || return 1
    printf '%s' "$cs_payload" | base64 -d >"$cs_work.statement" 2>/dev/null || return 1
    flatten <"$cs_work.statement" >"$cs_work.flat" || return 1
    cs_receipt_expires=$(field predicate.expiresAt s) || return 1
    cs_named="$(field predicate.request.id s) $(field predicate.request.digest s)"
    cs_by="$(field predicate.run.id s) $(field predicate.run.attempt n)"
    cs_decided=$(field predicate.decision s)
    judge_permit || return 1
    cs_got_why=
    [ -n "$cs_got_refusal" ] || cs_got_permit=$cs_permit_id
}

# judge_permit: whether what was read fits; sets cs_got_refusal and cs_got_exit if it does not
judge_permit() {
    if [ "$cs_permit_status" = expired ]; then
        cs_got_refusal='The permit is expired.' cs_got_exit=66
    elif [ "$cs_permit_status" != issued ]; then
        cs_got_refusal="The permit of this run attempt is $cs_permit_status: a permit is used once; start a new run attempt."
        cs_got_exit=65
    elif [ "$cs_named" != "$cs_id $cs_digest" ]; then
        cs_got_refusal='The receipt is for another request. Nothing was run.' cs_got_exit=70
    elif [ "$cs_by" != "$(field id s "$cs_dir/run") $cs_run_attempt" ]; then
        cs_got_refusal='The receipt is for another run. Nothing was run.' cs_got_exit=70
    elif [ "$cs_decided" != approved ]; then
        cs_got_refusal='The receipt does not say approved. Nothing was run.' cs_got_exit=70
    fi
    check_time "$cs_expires" && check_time "$cs_receipt_expires"
}

# check_time TIME: fails for what is no time; a past time is a refusal
check_time() {
    is_past "$1"
    case $? in
    0) cs_got_refusal="The permit is over since $1." && cs_got_exit=66 ;;
    1) ;;
    *) return 1 ;;
    esac
}

# --- The gate --------------------------------------------------------------------------

# watch: says what is new about the request, ends when it is closed or drifts too often
watch() {
    if [ "$cs_round" -gt $((cs_drifts + 1)) ]; then
        cs_drifts=$((cs_round - 1))
        say_drift
    fi
    case $cs_status in
    expired) stop 66 "Expired. $(reasons)" ;;
    rejected | denied | withdrawn | superseded | revoked) stop 65 "Closed: $cs_status. $(reasons)" ;;
    esac
    show_status "$cs_summary"
    if [ "$cs_drifts" -ge "$cs_max_drift" ]; then
        withdraw 'the run stopped waiting'
        stop 67 "The world moved $cs_drifts times between approval and redeem. Nothing was run."
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
        }' "$cs_work.flat" >"$cs_dir/drift"
    while IFS= read -r cs_drift_line; do say "$cs_drift_line"; done <"$cs_dir/drift"
}

# reasons: the summary, why it was denied and what would make it pass, who rejected and why
reasons() {
    awk -F '\t' -v status="$cs_status" '
        $1 == "summary" { text = $3 }
        status == "denied" && $1 ~ /^verdict[.]explanation[.][0-9]+$/ { more = more " " $3 }
        status == "denied" && $3 != "" && $1 ~ /^verdict[.]rules[.][0-9]+[.]remedy$/ {
            pass = pass " To pass: " $3
        }
        $1 ~ /^decisions[.][0-9]+[.](person|outcome|comment)$/ {
            split($1, part, ".")
            value[part[2], part[3]] = $3
            if (part[2] + 0 >= count) count = part[2] + 1
        }
        END {
            for (k = 0; k < count; k++) if (value[k, "outcome"] == "reject")
                more = more " " value[k, "person"] ": " value[k, "comment"]
            print text more pass
        }' "$cs_work.flat"
}

# obtain_permit: asks, waits and redeems; returns once cs_got_permit is good to use
obtain_permit() {
    cs_patience=$(($(now) + cs_retry_for))
    [ "$cs_patience" -le "$cs_deadline" ] || cs_patience=$cs_deadline
    persist "$cs_patience" ask_once || unreachable
    [ -z "$cs_got_problem" ] || refuse
    say "Request $cs_id: $cs_url"
    while :; do
        watch
        case $cs_status in
        approved | redeemed) redeem && return ;;
        esac
        next_version
    done
}

# redeem: fails when the request went back to waiting
redeem() {
    persist "$cs_deadline" redeem_once || unanswered
    case $cs_got_problem in
    '')
        [ -z "$cs_got_refusal" ] || stop "$cs_got_exit" "$cs_got_refusal"
        return 0
        ;;
    drift)
        cs_drifts=$((cs_drifts + 1))
        say_drift
        ;;
    not-approved | illegal-state) ;; # it moved under us: the next reading says where to
    *) refuse ;;
    esac
    return 1
}

next_version() {
    cs_asked_at=$(now)
    if [ "$cs_asked_at" -ge "$cs_deadline" ]; then
        withdraw 'the run stopped waiting'
        stop 66 'No decision came within --timeout. Nothing was run.'
    fi
    cs_old_version=$cs_version
    persist "$cs_deadline" read_once || unanswered
    [ -z "$cs_got_problem" ] || refuse
    # Something on the way may not let the read wait: do not hammer.
    if [ "$cs_version" -le "$cs_old_version" ] && [ "$(now)" -le $((cs_asked_at + 1)) ]; then nap 1; fi
}

withdraw_once() {
    if [ -z "$cs_id" ]; then # cancelled while asking: the key tells whether it arrived
        call POST /api/v1/requests 5 "$cs_question" "$cs_key" && [ -z "$cs_got_problem" ] || return
        read_request || return
    fi
    call POST "/api/v1/requests/$cs_id/withdraw" 5 "{\"run\":{$cs_run},\"reason\":\"$cs_why_withdrawn\"}"
}

# withdraw WHY: takes the request back as well as that can be done within a few seconds
withdraw() {
    cs_why_withdrawn=$1
    if ! persist $(($(now) + 8)) withdraw_once; then
        say "The request could not be withdrawn: $cs_got_why"
    elif [ -n "$cs_got_problem" ]; then
        say "The request could not be withdrawn: $(problem_sentence)"
    else
        say "Request withdrawn: $1."
    fi
}

finish_once() {
    call POST "/api/v1/permits/$cs_got_permit/finish" "$cs_CALL_SECONDS" \
        "{$cs_self,\"outcome\":\"$cs_outcome\",\"exit_code\":$cs_ended}"
}

# finish STATUS: reports how it ended; the exit status stays the command's in any case
finish() {
    cs_ended=$1
    cs_outcome=failed
    [ "$cs_ended" -ne 0 ] || cs_outcome=succeeded
    if ! persist $(($(now) + cs_retry_for)) finish_once; then
        say "The end could not be reported: $cs_got_why"
    elif [ -n "$cs_got_problem" ]; then
        say "The end could not be reported: $(problem_sentence)"
    fi
}

# begin: tells the portal that the command begins, and waits until it has heard of it. Every
# process of the run attempt holds this permit; the portal lets one of them begin.
begin() {
    persist $(($(now) + cs_retry_for)) begin_once || unreachable
    [ -z "$cs_got_problem" ] || refuse
}

begin_once() {
    tell_alive || return 1
    [ -z "$cs_got_problem" ] || return 0
    cs_got_why='its answer does not say that the permit is running'
    [ "$(field permit.id s) $(field permit.status s)" = "$cs_got_permit running" ] || return 1
    cs_got_why=
}

tell_alive() {
    call POST "/api/v1/permits/$cs_got_permit/heartbeat" "$cs_CALL_SECONDS" "{$cs_self}"
}

# beat: one heartbeat; a missed one is said once, and never fatal to the command
beat() {
    if tell_alive && [ -z "$cs_got_problem" ]; then
        cs_missed=
    else
        [ -n "$cs_missed" ] ||
            say "The portal misses our heartbeat: ${cs_got_why:-$(problem_sentence)}"
        cs_missed=yes
    fi
}

# begin_beats: the heartbeats after the first, with files of their own, so that they do not
# meet those of finish
begin_beats() {
    cs_missed=''
    (
        trap - EXIT HUP INT
        trap 'kill $cs_curl_pid $cs_nap_pid 2>/dev/null; exit 0' TERM
        cs_work=$cs_dir/beat
        # A signal may come before the trap; and if our shell is killed, nobody sends one.
        until [ -e "$cs_dir/over" ] || ! nap "$cs_interval" || ! kill -0 $$ 2>/dev/null; do
            beat
        done
    ) &
    cs_beats=$!
}

end_beats() {
    : >"$cs_dir/over"
    kill "$cs_beats" 2>/dev/null
    wait "$cs_beats" 2>/dev/null
}

# cancel NUMBER NAME: a signal before the command runs
cancel() {
    trap '' HUP INT TERM
    # shellcheck disable=SC2086 # no process, no word
    kill $cs_curl_pid $cs_nap_pid 2>/dev/null
    say "Stopped by SIG$2 before the command ran."
    if [ -n "$cs_got_permit" ]; then
        finish $((128 + $1))
    else
        withdraw "the run was stopped by SIG$2"
    fi
    exit $((128 + $1))
}

# forward NAME: a signal while the command runs. A shell starts background commands deaf to
# SIGINT, so that one is passed on as SIGTERM.
forward() {
    cs_interrupted=$1
    [ -z "$cs_child" ] || kill -s "$1" "$cs_child" 2>/dev/null
}

write_receipt() {
    if [ -n "$cs_receipt_file" ]; then # not with ":", whose failure would end a POSIX shell
        printf '' >"$cs_receipt_file" && chmod 600 "$cs_receipt_file" || return 1
    fi
    printf '%s\n' "$cs_receipt" >"$COUNTERSIGN_RECEIPT_FILE"
}

# execute COMMAND ...: cs_got_ended is its exit status
execute() {
    COUNTERSIGN_PERMIT_ID=$cs_got_permit
    COUNTERSIGN_REQUEST_ID=$cs_id
    COUNTERSIGN_RECEIPT_FILE=${cs_receipt_file:-$cs_dir/receipt.json}
    export COUNTERSIGN_PERMIT_ID COUNTERSIGN_REQUEST_ID COUNTERSIGN_RECEIPT_FILE
    if ! write_receipt 2>/dev/null; then
        finish 70 # nothing runs with this permit any more
        stop 70 'The receipt cannot be written.'
    fi
    begin_beats
    cs_child='' cs_interrupted=''
    trap 'forward TERM' INT TERM
    trap 'forward HUP' HUP
    exec 3<&0
    (
        trap - HUP TERM EXIT
        unset COUNTERSIGN_TOKEN COUNTERSIGN_TOKEN_FILE
        umask "$cs_umask"
        if [ "$cs_locale" = unset ]; then unset LC_ALL; else LC_ALL=$cs_locale; fi
        exec 3<&-
        exec "$@"
    ) <&3 &
    cs_child=$!
    exec 3<&-
    [ -z "$cs_interrupted" ] || forward "$cs_interrupted" # it came before there was a child
    cs_interrupted=again
    while [ -n "$cs_interrupted" ]; do
        cs_interrupted=
        wait "$cs_child"
        cs_got_ended=$?
    done
    trap '' HUP INT TERM
    end_beats
}

gate() {
    read_options "$@"
    shift "$cs_got_used"
    read_ci
    check_options
    [ $# -gt 0 ] || usage 'Give the command to run after --.'
    read_address
    read_token || stop 64 "No token: $cs_got_why."
    for cs_needed in curl awk base64 mktemp; do
        command -v "$cs_needed" >/dev/null || stop 70 "This image has no $cs_needed."
    done
    cs_dir=$(mktemp -d "${TMPDIR:-/tmp}/countersign.XXXXXX") || stop 70 'No temporary directory.'
    cs_work=$cs_dir/call
    trap 'rm -rf "$cs_dir"' EXIT
    build_question
    cs_started_at=$(now)
    cs_deadline=$((cs_started_at + cs_timeout))
    cs_id='' cs_digest='' cs_version=0 cs_drifts=0 cs_shown='' cs_shown_at=0 cs_got_permit=''
    cs_curl_pid='' cs_nap_pid=''
    trap 'cancel 1 HUP' HUP
    trap 'cancel 2 INT' INT
    trap 'cancel 15 TERM' TERM
    obtain_permit
    begin
    say "Approved: permit $cs_got_permit until $cs_expires."
    execute "$@"
    finish "$cs_got_ended"
    exit "$cs_got_ended"
}

case ${1:-} in
gate)
    shift
    gate "$@"
    ;;
-h | --help) help ;;
--version) echo "countersign.sh $cs_VERSION" ;;
*) usage "This client has one step: gate." ;;
esac
