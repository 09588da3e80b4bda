{{ config(materialized='table_by_key') }}
{{ entity_aggregates('customer_daypart', var('features').aggregates, ref('int_deviations'), run_states_of('customer_daypart')) }}
