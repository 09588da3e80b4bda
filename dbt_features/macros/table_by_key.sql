{# A table computed for one part of the keys after the other, so that memory follows the part, not the table. The model says
   `% 1 = 0` of its key where a part is to be cut out. #}
{% materialization table_by_key, adapter="duckdb" %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {% do drop_relation_if_exists(load_cached_relation(this)) %}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {%- set rows = run_query('select count(*) from ' ~ this.incorporate(path={'identifier': 'int_payments'}))[0][0] -%}
  {%- set parts = (rows // var('rows_per_part') + 1) | int -%}
  {%- set collected = target_relation if parts == 1 else target_relation.incorporate(path={'identifier': this.identifier ~ '_parts'}) -%}
  {% for part in range(parts) %}
    {%- set part_sql = 'select * from (' ~ sql.replace('% 1 = 0', '% ' ~ parts ~ ' = ' ~ part) ~ ') order by n' -%}
    {% call statement('main' if part == 0 else 'part') -%}
      {%- if part == 0 -%}{{ create_table_as(False, collected, part_sql) }}
      {%- else -%}insert into {{ collected }} {{ part_sql }}
      {%- endif -%}
    {%- endcall %}
  {% endfor %}
  {%- if parts > 1 -%}
    {#- In the order of n over all parts, the mart finds a stretch of payments in one or two row groups. #}
    {% call statement('ordered') -%}{{ create_table_as(False, target_relation, 'select * from ' ~ collected ~ ' order by n') }}{%- endcall %}
    {% call statement('dropped') -%}drop table {{ collected }}{%- endcall %}
  {%- endif %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
