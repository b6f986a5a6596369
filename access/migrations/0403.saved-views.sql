-- Filters that a person has saved under a name. They hold codes only, as they stand in an address.

-- migrate:up
create table access.saved_views (
    person text not null,
    list   text not null,
    name   text not null,
    query  text not null,
    primary key (person, list, name),
    constraint saved_views_list_check check (list in ('journeys', 'duties')),
    constraint saved_views_name_check check (length(name) between 1 and 40),
    constraint saved_views_query_check check (length(query) <= 400)
);
comment on table access.saved_views is 'Each person sees their own.';

grant select, insert, update, delete on access.saved_views to throughline_sessions;

-- migrate:down
drop table access.saved_views;
