{% set features = var('features') %}
{% set entities = entities_of(features.baselines) %}
select
  payments.* exclude (
    source, transaction_id, event_time, event_date, known_time, kind, status, channel, counterparty_type
  )
  {%- for entity in entities %}{% for a in aggregates_of(features.baselines, entity) %}, {{ entity }}.{{ a.name }}{% endfor %}{% endfor %}
  {%- for name, e in features.deviations.items() if name != e.of %}, {{ expression(e) }} as {{ name }}{% endfor %}
from {{ ref('int_payments') }} as payments
{%- for entity in entities %}
left join {{ ref('int_' ~ entity ~ '_baselines') }} as {{ entity }} on {{ entity }}.n = payments.n
{%- endfor %}
