{{ config(materialized='table_by_key') }}
{{ entity_aggregates('customer', var('features').aggregates, ref('int_deviations'), run_states_of('customer')) }}
