{{ config(materialized='table_by_key') }}
{{ entity_aggregates('device', var('features').aggregates, ref('int_deviations'), run_states_of('device')) }}
