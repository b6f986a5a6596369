-- Which track a client has a place in, who waits for one, how the goals of the treatment plan stand, and maintenance.

-- migrate:up
do $$
declare
    v_table text;
    v_live  bigint;
begin
    for v_table in
        select relname from pg_class
        where relnamespace = 'dash'::regnamespace and relkind = 'r' and relname ~ '^journeys_(shape|g[0-9]+)$'
    loop
        execute format('alter table dash.%I add column track text, add column waits_for text, '
                       'add column waits_since timestamptz, add column risk text, add column waits_for_tracks text, '
                       'add column goals integer, add column goals_met integer, '
                       'add column goals_reviewed_at timestamptz, add column mode text', v_table);
        execute format('create index on dash.%I (site, track) where track is not null', v_table);
    end loop;
    select generation into v_live from es.checkpoints where consumer = 'dash.journeys' and status = 'live';
    if v_live is not null then
        execute format('create or replace view dash.journeys as select * from dash.%I', 'journeys_g' || v_live);
    end if;
end
$$;
comment on column dash.journeys_shape.track is 'The track in which the client has a place now, by its id in the site''s file.';
comment on column dash.journeys_shape.waits_for is 'The level of care for which the client is on the waitlist.';
comment on column dash.journeys_shape.risk is 'What was last found of the client''s risk before care: low, raised or unknown.';
comment on column dash.journeys_shape.waits_for_tracks is
    'The tracks that they could come to, by id, with spaces between them; null: any at the level.';
comment on column dash.journeys_shape.goals is 'How many goals the client''s treatment plan has.';
comment on column dash.journeys_shape.goals_met is 'How many of them the client has reached.';
comment on column dash.journeys_shape.goals_reviewed_at is
    'When the goals were last gone through with the client, or the plan last changed; null if not since its first draft.';
comment on column dash.journeys_shape.mode is 'maintenance where care at the level goes on without an end date; null as usual.';

create or replace view dash.open_journeys as
select coalesce(j.next_due < now(), false) as overdue, j.urgent_open or coalesce(j.next_due < now(), false) as urgent, j.*
from dash.journeys j
where j.ended_at is null or j.open_count > 0
order by urgent desc, array_position(array['safety', 'clinical', 'coverage', 'administrative'], j.priority), j.next_due,
         j.journey_id;

-- migrate:down
do $$ begin raise exception 'there is no way back: read models of this release fill the columns; restore a backup'; end $$;
