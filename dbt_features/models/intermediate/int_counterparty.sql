{{ entity_aggregates('counterparty', var('features').aggregates, ref('int_deviations'), run_states_of('counterparty')) }}
