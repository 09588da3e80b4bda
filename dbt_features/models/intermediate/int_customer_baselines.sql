{{ config(materialized='table_by_key') }}
{{ entity_aggregates('customer', var('features').baselines, ref('int_payments')) }}
