{# SQL of one derived expression of the closed operator list; inputs are columns in scope. #}
{% macro expression(e) %}
  {% set of = e.of %}
  {% set units = '(' ~ of ~ ' // 100)::varchar' %}
  {% if e.op == 'value' %}{{ return(of ~ '::double') }}{% endif %}
  {% if e.op == 'equals' %}{{ return('(' ~ of ~ " = '" ~ e.value ~ "')::int::double") }}{% endif %}
  {% if e.op == 'above' %}{{ return('(' ~ of ~ ' > ' ~ e.threshold ~ ')::int::double') }}{% endif %}
  {% if e.op == 'ratio' %}{{ return(of ~ ' / nullif(' ~ e.to ~ ', 0)::double') }}{% endif %}
  {% if e.op == 'zscore' %}{{ return('(' ~ of ~ ' - ' ~ e.mean ~ ') / nullif(' ~ e.std ~ ', 0)::double') }}{% endif %}
  {% if e.op == 'log' %}{{ return('ln(1 + ' ~ of ~ '::double)') }}{% endif %}
  {% if e.op == 'novelty' %}{{ return('(' ~ of ~ ' = 0)::int::double') }}{% endif %}
  {% if e.op == 'surprise' %}
    {{ return('-ln(((' ~ (of | join(' + ')) ~ ')::double / ' ~ (of | length) ~ ' + 1) / (' ~ e.among ~ ' + ' ~ e.parts ~ '))') }}
  {% endif %}
  {% if e.op == 'distance' %}{{ return(distance_km(of[0], of[1], of[2], of[3])) }}{% endif %}
  {% if e.op == 'speed' %}{{ return(of ~ ' / (greatest(' ~ e.per ~ ', 1.0 / 1440) * 24)') }}{% endif %}
  {% if e.op == 'roundness' %}
    {{ return('length(' ~ units ~ ') - length(rtrim(' ~ units ~ ", '0'))") }}
  {% endif %}
  {{ exceptions.raise_compiler_error('The operator ' ~ e.op ~ ' is not known.') }}
{% endmacro %}

{% macro entities_of(entries) %}
  {{ return(entries | map(attribute='entity') | unique | list) }}
{% endmacro %}

{# Features of the mart in column order. #}
{% macro feature_names() %}
  {% set features = var('features') %}
  {% set names = [] %}
  {% for name, e in features.deviations.items() if not e.internal %}{% do names.append(name) %}{% endfor %}
  {% for entries in [features.baselines, features.aggregates] %}
    {% for entry in entries if not entry.internal %}
      {% for a in aggregates_of([entry], entry.entity) %}{% do names.append(a.name) %}{% endfor %}
    {% endfor %}
  {% endfor %}
  {% for entity in entities_of(features.run_states) %}
    {% for s in run_states_of(entity) %}{% do names.append(s.name) %}{% endfor %}
  {% endfor %}
  {% for name, e in features.comparisons.items() if not e.internal %}{% do names.append(name) %}{% endfor %}
  {{ return(names) }}
{% endmacro %}

{# Haversine distance on a sphere of 6371 km; null when a coordinate is (least would ignore a null). #}
{% macro distance_km(latitude, longitude, other_latitude, other_longitude) %}
  {% set half = 'power(sin(radians(' ~ other_latitude ~ ' - ' ~ latitude ~ ') / 2), 2) + cos(radians(' ~ latitude ~ ')) * cos(radians('
    ~ other_latitude ~ ')) * power(sin(radians(' ~ other_longitude ~ ' - ' ~ longitude ~ ') / 2), 2)' %}
  {{ return('case when ' ~ half ~ ' <= 1 then 12742.0 * asin(sqrt(' ~ half ~ ')) when ' ~ half ~ ' > 1 then 12742.0 * asin(1.0) end') }}
{% endmacro %}
