{# First event date that a payment of from_date can depend on. #}
{% macro history_start() %}
  {{ return("date '1900-01-01'") }}
{% endmacro %}
