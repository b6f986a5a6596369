-- How far each consumer of the record has come. A checkpoint moves only from where its mover last saw it.

-- migrate:up
create table es.checkpoints (
    position   bigint      not null check (position >= 0),
    updated_at timestamptz not null default clock_timestamp(),
    generation integer     not null check (generation > 0),
    consumer   text        not null,
    status     text        not null check (status in ('building', 'live', 'retired')),
    holder     text,
    alarm      text,
    primary key (consumer, generation)
) with (fillfactor = 50);

create unique index one_live_generation on es.checkpoints (consumer) where status = 'live';

comment on table es.checkpoints is
    'Whoever commits a batch moves the checkpoint in the same transaction, and only where position is still what it was.';
comment on column es.checkpoints.position is 'The last event taken in; every event up to it has been.';
comment on column es.checkpoints.generation is 'Of what is built from the record; a consumer that builds nothing has one.';
comment on column es.checkpoints.status is 'A retired generation can no longer be moved.';
comment on column es.checkpoints.holder is 'The process that moved it last.';
comment on column es.checkpoints.alarm is 'Why the consumer stopped here; gone once it moves on.';

alter table es.checkpoints owner to throughline_owner;
grant select on es.checkpoints to throughline_reader, throughline_auditor;
grant select, insert, update, delete on es.checkpoints to throughline_projector;

-- migrate:down
do $$ begin raise exception 'there is no way back: a consumer without its checkpoint would begin again; restore a backup'; end $$;
