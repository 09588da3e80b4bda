{# The rows of `relation` within the stretch of payments that the plugin reads the mart for. The bounds stand at every table
   of a join: they are not handed from one side of a left join to the other, and a join would build on the whole table. #}
{% macro stretch_of(relation) %}
{{ return('(select * from ' ~ relation ~ " where n between coalesce(getvariable('first_n'), 0) and coalesce(getvariable('last_n'), 2147483647))") }}
{% endmacro %}
