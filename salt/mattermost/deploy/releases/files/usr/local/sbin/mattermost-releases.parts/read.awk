# Read what the release sources answered, and the table; print what is understood of it. Part of mattermost-releases, between two
# apostrophes of the shell: none may stand here. Needs nothing beyond POSIX awk.
#
# Files in this order, each after kind=KIND: state, table, page, list, advisories, support (those that are there); before JSON also RS="\"".
# Variables: today (YYYY-MM-DD), version (that runs, "" for none), count (a kind: print only how many entries it has).
# Lines printed, fields parted by tabs: `source KIND ENTRIES NEWEST-DATE`, `listed LINE PATCH` (newest that two sources of the vendor
# list), `value KEY TEXT`, `finding CHECK LEVEL SENTENCE TODO`.

function is_version(text) { return text ~ /^[0-9]+\.[0-9]+\.[0-9]+$/ && length(text) <= 14 }
function is_date(text) { return text ~ /^20[0-9][0-9]-[01][0-9]-[0-3][0-9]$/ }
function line_of(version) { sub(/\.[0-9]+$/, "", version); return version }
function number(version, part) { split(version, part, "."); return part[1] * 100000000 + part[2] * 10000 + part[3] } # also of a line
function day(date, p, y, m) { # days since some day, to count with
    split(date, p, "-"); y = p[1] + 0; m = p[2] + 0
    if (m < 3) { y--; m += 12 }
    return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * m - 457) / 5) + p[3]
}
function rank(text) { # how bad a severity is; text that names none counts as unknown
    text = tolower(text)
    return text ~ /critical/ ? 4 : text ~ /high/ ? 3 : text ~ /medium/ ? 2 : text ~ /low/ ? 1 : 0
}
function named(level) { split("unknown Low Medium High Critical", level_names, " "); return level_names[level + 1] }
function plain(text) { gsub(/[^A-Za-z0-9 .:,()\/_-]/, "", text); return substr(text, 1, 40) }

function seen(kind, date) { entries[kind]++; if (is_date(date) && date <= today && date > newest_date[kind]) newest_date[kind] = date }
function lists(kind, version, date) { # a source lists a version as released
    if (!is_version(version) || (is_date(date) && date > today)) return 0
    if (index(by[version], " " kind " ")) return 1
    by[version] = by[version] " " kind " "
    if (is_date(date) && released[version] == "") released[version] = date
    return 1
}

# -- the table: what this bundle was shipped with --
kind == "table" && $1 == "date" { table_date = $2; next }
kind == "table" && $1 == "line" { begins["table", $2] = $3; ends["table", $2] = $4; next }
kind == "table" && $1 == "release" {
    lists("table", $2, $3)
    if (NF > 3) { said[$2] = $4; for (word = 5; word <= NF; word++) said[$2] = said[$2] " " $word; security[$2] = "yes" }
    next
}

# -- the state of the sources: KIND RESULT FETCHED SKEW REASON, parted by tabs --
kind == "state" { split($0, field, "\t"); kinds[++sources] = field[1]; result[field[1]] = field[2]; age[field[1]] = field[3]; why[field[1]] = field[5]; next }

# -- the page: rows of a table, | vLINE [..](https://../PATCH/mattermost-..) | released | support ends | --
kind == "page" {
    if ($0 !~ /^[ \t]*\|/ || !match($0, /v[0-9]+\.[0-9]+[^0-9.]/)) next
    line = substr($0, RSTART + 1, RLENGTH - 2)
    rest = $0; patch = ""
    if (match(rest, /\/[0-9]+\.[0-9]+\.[0-9]+\/mattermost-/)) patch = substr(rest, RSTART + 1, RLENGTH - 13)
    dates = 0
    while (match(rest, /20[0-9][0-9]-[01][0-9]-[0-3][0-9]/)) { found_date[++dates] = substr(rest, RSTART, RLENGTH); rest = substr(rest, RSTART + RLENGTH) }
    if (dates != 2 || !is_version(patch) || line_of(patch) != line) next
    seen("page", found_date[1])
    if (found_date[1] > today) next
    begins["page", line] = found_date[1]; ends["page", line] = found_date[2]
    lists("page", patch, "")
    next
}

# -- JSON: the records are what stands between two quotes, in turn outside and inside of a text --
kind != json_of { json_of = kind; depth = inside = broken = 0; text = token = "" }
broken { next }
{
    if (inside) {
        text = length(text) > 65536 ? text : text $0
        if (match($0, /\\+$/) && RLENGTH % 2) { text = text "\""; next } # the quote was escaped
        inside = 0; string(text)
    } else {
        outside($0)
        inside = 1; text = ""
    }
}
function outside(part, place, sign) {
    for (place = 1; place <= length(part); place++) {
        sign = substr(part, place, 1)
        if (sign ~ /[a-z0-9.+-]/) { if (length(token) < 64) token = token sign; continue }
        if (token != "") { value(token); token = "" }
        if (sign == "{" || sign == "[") { if (++depth > 20) { broken = 1; return }; holds[depth] = sign; key[depth] = ""; wants[depth] = sign == "{"; if (sign == "{" && depth == 2) begin() }
        else if (sign == "}" || sign == "]") { if (sign == "}" && depth == 2) end(); if (depth > 0) depth-- }
        else if (sign == ",") { if (holds[depth] == "{") wants[depth] = 1 }
        else if (sign == ":") wants[depth] = 0
    }
}
function string(text) { if (depth && wants[depth]) key[depth] = text; else value(text) }
function value(text) { # a field of an entry, or of a list that is one
    if (length(entry[key[2]]) > 65536) return
    if (depth == 2 && holds[2] == "{") entry[key[2]] = text
    else if (depth == 3 && holds[3] == "[") entry[key[2]] = entry[key[2]] " " text
}
function begin(name) { for (name in entry) delete entry[name] }
function end() {
    if (kind == "list") end_release()
    else if (kind == "advisories") end_advisory()
    else if (kind == "support") end_support()
}
function end_release(version, date) {
    version = entry["tag_name"]; date = substr(entry["published_at"], 1, 10)
    if (!sub(/^v/, "", version) || !is_version(version) || entry["draft"] == "true" || entry["prerelease"] == "true") return
    seen("list", date)
    if (!lists("list", version, date)) return
    told[version] = "yes"
    if (tolower(entry["body"]) ~ /security (fix|update|patch)/) {
        security[version] = "yes"
        said[version] = ""
        if (match(entry["body"], /contains [A-Za-z ]+ (severity )?level security/)) {
            said[version] = substr(entry["body"], RSTART + 9, RLENGTH - 9)
            sub(/ (severity )?level security$/, "", said[version])
            said[version] = plain(said[version])
        }
    }
}
function end_advisory(date, rest, version) {
    if (entry["platform"] != "Mattermost Server") return
    date = substr(entry["fix_release_date"], 1, 10)
    seen("advisories", date)
    rest = entry["fix_versions"]
    while (match(rest, /[0-9]+\.[0-9]+\.[0-9]+/)) {
        version = substr(rest, RSTART, RLENGTH); rest = substr(rest, RSTART + RLENGTH)
        if (!lists("advisories", version, "")) continue
        fixes[version]++
        security[version] = "yes"
        if (rank(entry["severity"]) > worst[version]) worst[version] = rank(entry["severity"])
    }
}
function end_support(line, date) {
    line = entry["cycle"]
    if (line !~ /^[0-9]+\.[0-9]+$/) return
    seen("support", substr(entry["latestReleaseDate"], 1, 10))
    if (is_date(entry["releaseDate"])) begins["support", line] = entry["releaseDate"]
    if (is_date(entry["eol"])) ends["support", line] = entry["eol"]
    lists("support", entry["latest"], substr(entry["latestReleaseDate"], 1, 10))
}

# -- what follows from it --
function vendors(version) { return (by[version] ~ / page /) + (by[version] ~ / list /) + (by[version] ~ / advisories /) }
function finding(check, level, sentence, todo) { print "finding\t" check "\t" level "\t" sentence "\t" todo }
function answers(kind) { return entries[kind] && result[kind] != "off" && !is_stale(kind) }
# advisories come a month after the release that they are about
function is_stale(kind) { return newest_date[kind] == "" || day(today) - day(newest_date[kind]) > (kind == "advisories" ? 120 : 45) }
function listed_by(version, text) { text = by[version]; gsub(/  +/, " ", text); gsub(/^ | $/, "", text); gsub(/ /, ", ", text); return text }

function judge_sources(one, kind, failed, off, stale, old) {
    for (one = 1; one <= sources; one++) {
        kind = kinds[one]
        if (result[kind] == "off") { off++; continue }
        if (result[kind] == "failed") failed = failed (failed ? "; " : "") kind ": " why[kind] (entries[kind] ? " (the copy of " age[kind] " is used)" : "")
        else if (is_stale(kind)) stale = stale (stale ? "; " : "") kind ": its newest entry is of " (newest_date[kind] ? newest_date[kind] : "no known date")
    }
    old = day(today) - day(table_date)
    if (today < table_date) {
        finding("release-sources", "refusal", "The clock of " machine " says " today ", which is before the date of the table in this bundle (" table_date ").", "set the clock (timedatectl).")
        return
    }
    if (off == sources) finding("release-sources", "note", "mattermost:release_sources switches every release source off. The table in this bundle (" table_date ") is used. It is " old " day" (old == 1 ? "" : "s") " old.", "")
    else if (!fresh) finding("release-sources", old > 45 ? "refusal" : "warning", "No release source gave a new answer (" failed (failed && stale ? "; " : "") stale "). The table in this bundle (" table_date ") is used. It is " old " day" (old == 1 ? "" : "s") " old.", "make the sources reachable, or set mattermost:release_sources to a mirror.")
    else if (failed || stale) finding("release-sources", "warning", "Some release sources gave no new answer: " failed (failed && stale ? "; " : "") stale ".", "run make sources in the checkout: it shows each source.")
    else finding("release-sources", "ok", "The release sources answer.", "")
}

function judge_line(line, until, from, text) {
    until = ends["page", line]; from = "page"
    if (until == "") { until = ends["support", line]; from = "support" }
    else if (ends["support", line] != "" && ends["support", line] != until) {
        text = " The sources disagree: page says " until ", support says " ends["support", line] "."
        if (ends["support", line] < until) { until = ends["support", line]; from = "support" }
    }
    if (until == "") { until = ends["table", line]; from = "the table of " table_date }
    print "value\tends\t" until
    if (until == "" && top != "" && number(line) < number(top))
        finding("support-end", "refusal", "No source lists the line " line " any more: it gets no security fixes.", "upgrade to a line that is supported; the newest is " top ".")
    else if (until == "") finding("support-end", "skipped", "No source says when the support of " line " ends.", "")
    else if (until < today) finding("support-end", "refusal", "The support of Mattermost " line " ended on " until " (" from "): it gets no security fixes." text, "upgrade to a line that is supported; the newest is " top ".")
    else if (day(until) - day(today) <= 30) finding("support-end", "warning", "The support of Mattermost " line " ends on " until " (" from ")." text, "plan the upgrade to another line; the newest is " top ".")
    else finding("support-end", text ? "warning" : "ok", "Mattermost " line " is supported to " until " (" from ")." text, "")
}

function judge_patch(line, one, newest, level, words, known, most, all_told, fixed) {
    all_told = 1
    for (one in by) {
        if (line_of(one) != line || (live[line] && by[one] !~ / (page|list|advisories|support) /)) continue
        if (newest == "" || number(one) > number(newest)) newest = one
        if (number(one) <= number(version)) continue
        if (security[one]) { known = 1; if (worst[one] > most) most = worst[one]; if (rank(said[one]) > most) most = rank(said[one]); fixed += fixes[one] }
        else if (!told[one]) all_told = 0
    }
    print "value\tnewest\t" newest
    if (newest == "") { finding("security-patch", "warning", "No source and no table lists a release of the line " line ".", ""); return }
    if (number(newest) > number(version)) {
        words = "Mattermost " newest (released[newest] ? " of " released[newest] : "") " is the newest patch of " line " (" listed_by(newest) "); " version " runs."
        print "value\tsecurity\t" (known ? named(most) : all_told ? "none" : "unknown")
        if (known) finding("security-patch", "refusal", words " It fixes security problems, severity up to " named(most) (fixed ? ", " fixed " of them published" : "") ".", "set mattermost:release:version to " newest " and deploy.")
        else if (all_told) finding("security-patch", "note", words " No security fix is named.", "set mattermost:release:version to " newest " to have it.")
        else finding("security-patch", "refusal", words " Whether it fixes security problems is not known.", "set mattermost:release:version to " newest " and deploy.")
    } else if (!live[line])
        finding("security-patch", "warning", "The release sources do not say whether there is a newer patch of " line ". The newest in the table of this bundle (of " table_date ") is " newest ".", "read the check release-sources and the release page of the vendor, or update this bundle (in a checkout: git pull) for a newer table.")
    else if (by[version] !~ / (page|list|advisories|support) /)
        finding("security-patch", "warning", "No source lists Mattermost " version "; the newest of " line " is " newest ". It may have been withdrawn.", "read the release page of the vendor before you stay with this version.")
    else finding("security-patch", "ok", "Mattermost " version " is the newest patch of " line " (" listed_by(version) ").", "")
}

END {
    if (count != "") { print entries[count] + 0; exit }
    for (one = 1; one <= sources; one++) {
        kind = kinds[one]
        if (result[kind] != "off") print "source\t" kind "\t" entries[kind] + 0 "\t" newest_date[kind]
        if (kind != "support" && answers(kind)) fresh = 1
    }
    for (one in by) { # what is known of a line at this moment, and what two sources of the vendor list
        if ((by[one] ~ / page / && answers("page")) || (by[one] ~ / list / && answers("list"))) live[line_of(one)] = 1
        if (vendors(one) > 1 && (best[line_of(one)] == "" || number(one) > number(best[line_of(one)]))) best[line_of(one)] = one
    }
    for (line in best) print "listed\t" line "\t" best[line]
    split("page support table", order, " ")
    for (one = 1; one <= 3 && top == ""; one++)
        for (pair in begins) {
            split(pair, part, SUBSEP)
            if (part[1] == order[one] && begins[pair] <= today && (top == "" || number(part[2]) > number(top))) top = part[2]
        }
    print "value\tnewest_line\t" top
    print "value\ttable_date\t" table_date
    print "value\tlive\t" (fresh ? "yes" : "no")
    judge_sources()
    if (is_version(version)) { judge_patch(line_of(version)); judge_line(line_of(version)) }
}
