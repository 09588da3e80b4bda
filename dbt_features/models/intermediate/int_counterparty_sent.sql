{{ config(materialized='table_by_key') }}
{{ entity_aggregates('counterparty_sent', var('features').aggregates, ref('int_deviations'), run_states_of('counterparty_sent')) }}
