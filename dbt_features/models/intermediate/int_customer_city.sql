{{ config(materialized='table_by_key') }}
{{ entity_aggregates('customer_city', var('features').aggregates, ref('int_deviations'), run_states_of('customer_city')) }}
