-- What dashboards may see of messages that wait for a person: when, where and why, and nothing of the client.

-- migrate:up
create view intake.messages_for_people as
select quarantine_id, listener, reason_code, reason as advice, quarantined_at, last_seen_at, times
from intake.quarantine
where released_at is null;
comment on view intake.messages_for_people is 'Messages that a person must look at. Advice names codes and places of a message, never its content.';
grant usage on schema intake to throughline_dashboards;
grant select on intake.messages_for_people to throughline_dashboards;

-- migrate:down
do $$ begin raise exception 'there is no way back: the board reads the view; restore a backup'; end $$;
