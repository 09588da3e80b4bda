{# The run-state entries of `entity`, with their column names. #}
{% macro run_states_of(entity) %}
  {% set out = [] %}
  {% for entry in var('features').run_states if entry.entity == entity %}
    {% for state in entry.states %}
      {% do out.append({
        'name': entity ~ '_' ~ entry.of ~ '_run_' ~ state ~ '_' ~ entry.horizon, 'state': state,
        'of': entry.of, 'broken_by': entry.broken_by, 'horizon': entry.horizon, 'run': entry.of ~ '_run',
      }) %}
    {% endfor %}
  {% endfor %}
  {{ return(out) }}
{% endmacro %}

{# The state of the current run after every resolution of a key, in the order they became known. #}
{% macro run_history(run) %}
{{ run.run }}_marked as (
  select k, r, t, n, is_fraud, {{ passes(run.of) }} as inside, {{ passes(run.broken_by) }} as outside
  from resolutions_events
  where ({{ passes(run.of) }}) or ({{ passes(run.broken_by) }})
),
{{ run.run }}_counted as (
  select
    k, r, t, n, is_fraud, inside,
    count(*) filter (where inside) over so_far as inside_count,
    count(*) filter (where not inside) over so_far as outside_count,
    inside and lag(inside) over in_order is not true as begins
  from {{ run.run }}_marked
  window so_far as (partition by k order by r, t, n, is_fraud rows unbounded preceding), in_order as (partition by k order by r, t, n, is_fraud)
),
{{ run.run }}_history as (
  select
    k, r, inside,
    inside_count - coalesce(last_value(case when not inside then inside_count end ignore nulls) over so_far, 0) as run_length,
    last_value(case when begins then t end ignore nulls) over so_far as run_first,
    last_value(case when not inside then t end ignore nulls) over so_far as run_before,
    outside_count - last_value(case when inside then outside_count end ignore nulls) over so_far as run_since,
    last_value(case when inside then r end ignore nulls) over so_far as run_latest
  from {{ run.run }}_counted
  window so_far as (partition by k order by r, t, n, is_fraud rows unbounded preceding), in_order as (partition by k order by r, t, n, is_fraud)
  qualify lead(r) over in_order is distinct from r
),
{{ run.run }}_result as (
  select probes.n
  {%- for s in run.states %}, {{ run_state_sql(s) }} as {{ s.name }}{% endfor %}
  from (select n, k, t, bound from probes) as probes
  asof left join {{ run.run }}_history as h on probes.k = h.k and probes.bound > h.r
)
{% endmacro %}

{% macro run_state_sql(s) %}
  {% set alive = 'h.run_latest >= ' ~ window_start('probes.t', s.horizon) %}
  {% if s.state == 'length' %}{{ return('case when h.inside and ' ~ alive ~ ' then h.run_length else 0 end') }}{% endif %}
  {% if s.state == 'age_first' %}{{ return('case when h.inside and ' ~ alive ~ ' then ' ~ days('probes.t - h.run_first') ~ ' end') }}{% endif %}
  {% if s.state == 'age_before' %}{{ return('case when h.inside and ' ~ alive ~ ' then ' ~ days('probes.t - h.run_before') ~ ' end') }}{% endif %}
  {{ return('case when ' ~ alive ~ ' then h.run_since end') }}
{% endmacro %}
