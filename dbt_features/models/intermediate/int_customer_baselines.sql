{{ entity_aggregates('customer', var('features').baselines, ref('int_payments')) }}
