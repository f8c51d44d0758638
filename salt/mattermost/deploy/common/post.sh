# One message stands for all: the newest that a person wrote, as the database holds it and as the server shows it, compared by its hash.

# Left out is what servers write in more than one way: the address of a picture, control characters. The text is as the server's JSON has it.
NEWEST_POST="SELECT id, encode(sha256(convert_to(concat_ws(' ', createat, userid, channelid,
 replace(replace(replace(to_json(message)::text, '<', '\\u003c'), '>', '\\u003e'), '&', '\\u0026')), 'UTF8')), 'hex')
 FROM posts WHERE id = (SELECT id FROM posts WHERE deleteat = 0 AND type = ''
 AND message NOT LIKE '%![%' AND message !~ '[\\x01-\\x08\\x0b\\x0c\\x0e-\\x1f\\u2028\\u2029]' AND userid NOT IN (SELECT userid FROM bots)
 ORDER BY createat DESC, id DESC LIMIT 1)"

POST_FORM='[a-z0-9]{26} [0-9a-f]{64}|- -' # an ID and a hash, or two strokes for none

newest_post() { # newest_post DATABASE
    local found
    found=$(role_value "$1" 2>/dev/null <<END
SET lock_timeout = 5000; SET statement_timeout = 20000; -- ms; the site is closed
SET enable_sort = off; SET enable_bitmapscan = off; SET enable_seqscan = off; -- by the index, also before statistics are there
-- what is off counts as dear, and what is dear would be compiled for a third of a second (PostgreSQL 11 and newer)
SELECT count(set_config(name, 'off', false)) AS compiled FROM pg_settings WHERE name = 'jit' \\gset
SELECT to_regclass('posts') IS NOT NULL AND to_regclass('bots') IS NOT NULL AS has_posts \\gset
\\if :has_posts
$NEWEST_POST;
\\endif
END
    ) || return
    say "${found:-- -}" | grep -xE "$POST_FORM"
}
