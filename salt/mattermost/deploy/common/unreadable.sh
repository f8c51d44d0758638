# What somebody else put into the server's database and its role may not read: a dump would lack it. The names are the database's own.

# shellcheck disable=SC2034 # for who asks, as the role
UNREADABLE="SELECT pg_catalog.regexp_replace(pg_catalog.format('%I.%I (owner %I)', nspname, relname, pg_catalog.pg_get_userbyid(relowner)), '[[:cntrl:]]', '?', 'g')
 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE relkind IN ('r', 'p', 'm', 'S', 'f') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
 AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'))
 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND deptype = 'e')
 ORDER BY 1 LIMIT 10"
