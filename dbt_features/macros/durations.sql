{# Microseconds of a duration such as 7d. #}
{% macro micros(duration) %}
  {% set units = {'s': 1000000, 'm': 60000000, 'h': 3600000000, 'd': 86400000000} %}
  {{ return(duration[:-1] | int * units[duration[-1]]) }}
{% endmacro %}

{# First microsecond of the window of a payment at `time`: exact up to a day, then floored to the full hour. #}
{% macro window_start(time, window) %}
  {% set width = micros(window) %}
  {% if width <= micros('1d') %}{{ return(time ~ ' - ' ~ width) }}{% endif %}
  {{ return('((' ~ time ~ ' - ' ~ width ~ ') // 3600000000) * 3600000000') }}
{% endmacro %}

{# Microseconds after a payment up to which a report of it counts: the horizon, and never less than the maturity. #}
{% macro label_horizon() %}
  {{ return([micros(var('label_horizon')), micros(var('label_maturity'))] | max) }}
{% endmacro %}
