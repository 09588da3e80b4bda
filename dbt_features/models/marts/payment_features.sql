{{ config(from_date=var('from_date'), to_date=var('to_date'), counted_in='int_payments') }}
{% set features = var('features') %}
{% set entities = entities_of(features.aggregates) %}
with aggregated as (
  select
    source, transaction_id, event_time, event_date, known_time, deviations.*
    {%- for entity in entities %}
    {%- for a in aggregates_of(features.aggregates, entity) %}, {{ entity }}.{{ a.name }}{% endfor %}
    {%- for s in run_states_of(entity) %}, {{ entity }}.{{ s.name }}{% endfor %}
    {%- endfor %}
  from {{ stretch_of(ref('int_payments')) }} as payments
  join {{ stretch_of(ref('int_deviations')) }} as deviations on deviations.n = payments.n
  {%- for entity in entities %}
  left join {{ stretch_of(ref('int_' ~ entity)) }} as {{ entity }} on {{ entity }}.n = deviations.n
  {%- endfor %}
  where event_date between date '{{ var("from_date") }}' and date '{{ var("to_date") }}'
),
compared as (
  select *
    {%- for name, e in features.comparisons.items() %}, {{ expression(e) }} as {{ name }}{% endfor %}
  from aggregated
)
select source, transaction_id, event_time, event_date, known_time
  {%- for name in feature_names() %}, {{ name }}::double as {{ name }}{% endfor %}
from compared
