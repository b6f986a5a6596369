-- An admission after the discharge may be the client's return, and the end of its visit the end of the care that follows.

-- migrate:up
alter table intake.journeys add column visits_after_discharge text[] not null default '{}';
comment on column intake.journeys.visits_after_discharge is
    'Keyed hashes of the visits that were announced while the client was discharged: of each, the end is told to the journey';

-- migrate:down
do $$ begin raise exception 'there is no way back: which visits came after a discharge is nowhere else; restore a backup'; end $$;
