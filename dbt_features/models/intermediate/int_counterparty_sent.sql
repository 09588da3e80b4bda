{{ entity_aggregates('counterparty_sent', var('features').aggregates, ref('int_deviations'), run_states_of('counterparty_sent')) }}
