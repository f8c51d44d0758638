# The server's API over its local socket, which asks for no login. The program sets socket, and scratch, where answers are kept.

ask_locally() { # ask_locally PATH [METHOD FILE]: sends the JSON of FILE; sets code; what came, head and body, is in the file answer
    curl -si --noproxy '*' -m 15 -X "${2:-GET}" -H 'Content-Type: application/json' --data-binary "@${3:-/dev/null}" \
        --unix-socket "$socket" "http://localhost/api/v4/$1" 2>/dev/null | head -c 200000 >"$scratch/answer"
    if [ ! -s "$scratch/answer" ] && ! curl --help all 2>/dev/null | grep -q -e --unix-socket; then # EL 7's curl; its package manager brings this
        timeout 20 python - "$socket" "$1" "${2:-GET}" "${3:-/dev/null}" 2>/dev/null >"$scratch/answer" <<'END'
import os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.settimeout(15)
server.connect(sys.argv[1])
body = open(sys.argv[4], "rb").read()
server.sendall(("%s /api/v4/%s HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (sys.argv[3], sys.argv[2], len(body))).encode() + body)
left = 200000
while left > 0:
    part = server.recv(left)
    if not part:
        break
    os.write(1, part)
    left -= len(part)
END
    fi
    code=$(sed -n '1s/^HTTP[^ ]* \([0-9][0-9][0-9]\).*/\1/p' "$scratch/answer")
    [ -n "$code" ] || code=000
}

# shellcheck disable=SC2016 # awk's own
json_values() { # of the answer's body, one line a value: the names that lead to it, joined by dots, and the value as it is written there
    tr -d '\r' <"$scratch/answer" | timeout 20 awk '
        body { text = text $0 }
        $0 == "" { body = 1 }
        function ended(  i, name) {
            for (i = 1; i <= depth; i++) if (key[i] != "") name = name (name == "" ? "" : ".") key[i]
            if (last != "") print name, last
            last = ""
        }
        END {
            while (text != "") {
                if (!match(text, /^("([^"\\]|\\.)*"|[^][{}:,"]+)/)) RLENGTH = 1
                token = substr(text, 1, RLENGTH)
                text = substr(text, RLENGTH + 1)
                if (token == "{" || token == "[") { key[++depth] = ""; last = "" }
                else if (token == "}" || token == "]") { ended(); depth-- }
                else if (token == ",") { ended(); key[depth] = "" }
                else if (token == ":") { key[depth] = substr(last, 2, length(last) - 2); last = "" }
                else if (token !~ /^[ \t]*$/) last = token
            }
        }'
}

value_in() { # value_in NAME: of an ID without its quotes, of a text with them
    case $1 in
        message) sed -n "s/^$1 //p" "$scratch/values" | head -n 1 ;;
        *) sed -n "s/^$1 \"\{0,1\}\([A-Za-z0-9]*\)\"\{0,1\}\$/\1/p" "$scratch/values" | head -n 1 ;;
    esac
}
