{{ entity_aggregates('instrument', var('features').aggregates, ref('int_deviations'), run_states_of('instrument')) }}
