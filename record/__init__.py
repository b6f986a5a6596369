"""Our events on the event store: nothing is lost either way, whatever release wrote them.

`record.codec` turns an event of the domain into one of the store and back, lifted to today's shape by
`record.upcasting`; `record.sealing` keeps words about a client under the client's own key; `record.listing` names
the journeys on record; `record.schemas` and `record.compatibility` tell other readers what the data looks like.
"""
