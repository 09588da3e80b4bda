{# First event date that a payment of from_date can depend on: its windows see events whose own baselines look back as far again. #}
{% macro history_start() %}
  {% set reach = [] %}
  {% for entries in [var('features').baselines, var('features').aggregates] %}
    {% for entry in entries %}{% for window in entry.windows %}{% do reach.append(micros(window)) %}{% endfor %}{% endfor %}
  {% endfor %}
  {% for entry in var('features').run_states %}{% do reach.append(micros(entry.horizon)) %}{% endfor %}
  {% set days = 2 * ((reach | max + label_horizon()) // micros('1d') + 1) + 1 %}
  {{ return("(date '" ~ var('from_date') ~ "' - " ~ days ~ ")") }}
{% endmacro %}
