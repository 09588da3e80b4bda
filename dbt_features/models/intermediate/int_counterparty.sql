{{ config(materialized='table_by_key') }}
{{ entity_aggregates('counterparty', var('features').aggregates, ref('int_deviations'), run_states_of('counterparty')) }}
