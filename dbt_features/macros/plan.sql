{# The aggregates that `entries` declare for `entity`, one dict each, in declared order. #}
{% macro aggregates_of(entries, entity) %}
  {% set plan = [] %}
  {% for entry in entries if entry.entity == entity %}
    {% set words = ([entry.filter, entry.measure] | select | list) or ['payment'] %}
    {% for agg in entry.aggs %}
      {% for window in entry.windows %}
        {% do plan.append({
          'name': (([entity] + words + [agg, window]) | join('_')).replace(entity ~ '_' ~ entity ~ '_', entity ~ '_'),
          'filter': entry.filter, 'measure': entry.measure, 'agg': agg, 'window': window,
          'internal': entry.internal or false,
          'stream': stream_of(entry.filter),
        }) %}
      {% endfor %}
    {% endfor %}
  {% endfor %}
  {{ return(plan) }}
{% endmacro %}

{% macro stream_of(filter) %}
  {{ return(var('features').filters[filter].stream if filter else 'payments') }}
{% endmacro %}

{# SQL condition under which an event passes `filter`. #}
{% macro passes(filter) %}
  {% if not filter %}{{ return('true') }}{% endif %}
  {% set spec = var('features').filters[filter] %}
  {% set parts = [] %}
  {% if spec.label %}{% do parts.append('is_fraud' if spec.label == 'fraud' else 'not is_fraud') %}{% endif %}
  {% if spec.when %}{% do parts.append('coalesce(' ~ spec.when ~ ', 0) = 1') %}{% endif %}
  {% if spec.unless %}{% do parts.append('coalesce(' ~ spec.unless ~ ', 0) = 0') %}{% endif %}
  {{ return(parts | join(' and ') or 'true') }}
{% endmacro %}

{# SQL of an entity's key from the code columns of the payment; null when a part is null. #}
{% macro key_of(columns) %}
  {% if columns | length == 1 %}{{ return(columns[0] ~ '_code') }}{% endif %}
  {{ return(columns[0] ~ '_code * 4294967296 + ' ~ columns[1] ~ '_code') }}
{% endmacro %}

{# Column of a measure: a declared one, or a derived value of that name. #}
{% macro sql_measure(measure) %}
  {% set declared = var('features').measures.get(measure) %}
  {{ return(declared.column if declared else measure) }}
{% endmacro %}
