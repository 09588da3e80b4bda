{# A table computed for one part of the keys after the other, so that memory follows the part, not the table. The model says
   `% 1 = 0` of its key where a part is to be cut out. #}
{% materialization table_by_key, adapter="duckdb" %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {% do drop_relation_if_exists(load_cached_relation(this)) %}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {%- set rows = run_query('select count(*) from ' ~ this.incorporate(path={'identifier': 'int_payments'}))[0][0] -%}
  {%- set parts = rows // var('rows_per_part') + 1 -%}
  {% for part in range(parts | int) %}
    {#- In the order of n, the mart finds a stretch of payments in a few row groups of the part. #}
    {%- set part_sql = 'select * from (' ~ sql.replace('% 1 = 0', '% ' ~ parts ~ ' = ' ~ part) ~ ') order by n' -%}
    {%- if part == 0 -%}
      {%- set statement_sql = create_table_as(False, target_relation, part_sql) -%}
    {%- else -%}
      {%- set statement_sql = 'insert into ' ~ target_relation ~ ' ' ~ part_sql -%}
    {%- endif -%}
    {% call statement('main') -%}
      {{ statement_sql }}
    {%- endcall %}
  {% endfor %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
