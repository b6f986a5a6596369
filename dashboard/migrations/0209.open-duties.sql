-- All that the lists of open duties filter, count and order by, without a look at the duties themselves.

-- migrate:up
do $$
declare
    v_table text;
begin
    for v_table in
        select relname from pg_class
        where relnamespace = 'dash'::regnamespace and relkind = 'r' and relname ~ '^obligations_(shape|g[0-9]+)$'
    loop
        execute format('create index on dash.%I (site, journey_id, obligation_id) include (due_at, falls_due, '
                       'waived_until, urgent, priority, kind, owner, assignee, undelivered) where ended_at is null',
                       v_table);
    end loop;
end
$$;

-- migrate:down
do $$
declare
    v_index text;
begin
    for v_index in
        select indexrelid::regclass::text from pg_index join pg_class c on c.oid = indrelid
        where c.relnamespace = 'dash'::regnamespace and c.relname ~ '^obligations_(shape|g[0-9]+)$' and indnatts = 12
    loop
        execute 'drop index ' || v_index;
    end loop;
end
$$;
