{# One row per payment that has the entity's key (null % 1 = 0 is not true): its aggregates of `entries`, by `n`. #}
{% macro entity_aggregates(entity, entries, payments, states=[]) %}
{% set plan = aggregates_of(entries, entity) %}
{% set streams = plan | map(attribute='stream') | unique | sort | list %}
{% set runs = states | map(attribute='run') | unique | list %}
{% set spec = var('features').entities[entity] %}
with probes as (
  select n, {{ key_of(spec.key) }} as k, t, known, least(t, known) as bound
    {%- for m in plan | selectattr('agg', 'eq', 'distinct') | map(attribute='measure') | unique %}, {{ sql_measure(m) }}{% endfor %}
  from {{ payments }}
  where ({{ key_of(spec.key) }}) % 1 = 0
),
{% for stream in streams %}
{{ stream_aggregates(stream, plan | selectattr('stream', 'eq', stream) | list, spec, payments, states) }},
{% endfor %}
{% for run in runs %}
{% set of_run = states | selectattr('run', 'eq', run) | list %}
{{ run_history({'run': run, 'of': of_run[0].of, 'broken_by': of_run[0].broken_by, 'states': of_run}) }},
{% endfor %}
joined as (
  select probes.n
  {%- for a in plan %}, {{ own_sql(a) }} as {{ a.name }}{% endfor %}
  {%- for s in states %}, {{ s.run }}_result.{{ s.name }}{% endfor %}
  from probes
  {%- for run in runs %}
  left join {{ run }}_result on {{ run }}_result.n = probes.n
  {%- endfor %}
  {%- for stream in streams %}
  left join {{ stream }}_result on {{ stream }}_result.n = probes.n
  {%- endfor %}
)
select * from joined
{% endmacro %}

{% macro stream_aggregates(stream, plan, spec, payments, states) %}
{% set bound = 't' if stream == 'payments' else 'bound' %}
{% set looked_up = plan | rejectattr('agg', 'in', ['max', 'distinct']) | list %}
{% set framed = plan | selectattr('agg', 'in', ['max', 'distinct']) | list %}
{{ stream }}_events as (
  {% set needed = event_columns(plan, states if stream == 'resolutions' else []) %}
  {% if stream == 'payments' %}
  select {{ key_of(spec.seen_as or spec.key) }} as k, t as r, t, n, known
    {%- for column in needed %}, {{ column }}{% endfor %}
  from {{ payments }}
  where ({{ key_of(spec.seen_as or spec.key) }}) % 1 = 0
  {% else %}
  select {{ key_of(spec.seen_as or spec.key) }} as k, resolutions.r, payments.t, n, resolutions.is_fraud
    {%- for column in needed %}, payments.{{ column }}{% endfor %}
  from {{ ref('int_resolutions') }} as resolutions
  join {{ payments }} as payments using (n)
  where ({{ key_of(spec.seen_as or spec.key) }}) % 1 = 0
  {% endif %}
),
{{ stream }}_history as (
  select k, r
    {%- for name, sql in prefixes(looked_up).items() %}, {{ sql }} as {{ name }}{% endfor %}
    {%- if stream == 'payments' %}, max(known) over so_far as latest_known{% endif %}
  from {{ stream }}_events
  {%- set order = 'r, t, n, is_fraud' if stream == 'resolutions' else 'r, n' %}
  window so_far as (partition by k order by {{ order }} rows unbounded preceding),
    to_come as (partition by k order by {{ order }} rows between 1 following and unbounded following),
    in_order as (partition by k order by {{ order }})
  qualify lead(r) over in_order is distinct from r
),
{% set frames = frames_of(framed) %}
{% for frame in frames %}
{{ stream }}_{{ frame.name }} as (
  select n
    {%- for a in frame.aggregates %}, {{ frame_sql(a, loop.index0) }} as {{ a.name }}{% endfor %}
  from (
    {%- if stream == 'payments' and not spec.seen_as %}
    select k, r, n, t, {{ frame_columns(frame) }} from payments_events
    {%- else %}
    select k, {{ bound }} as r, n, t{{ ', null' * frame.aggregates | length }} from probes
    {%- if frame.present %} where {{ frame.present }} is not null{% endif %}
    union all
    select k, r, null, r, {{ frame_columns(frame) }} from {{ stream }}_events
    {%- endif %}
    {%- if frame.present %} where {{ frame.present }} is not null{% endif %}
  ) as rows_in_order (k, r, n, t {%- for a in frame.aggregates %}, v{{ loop.index0 }}{% endfor %})
  qualify n is not null
),
{% endfor %}
{{ stream }}_ended as (
  select probes.n, probes.k, probes.t, probes.known, probes.{{ bound }} as until
    {%- for column in prefixes(looked_up).keys() if not column.startswith('next_') %}, h.{{ column }}{% endfor %}
    {%- if stream == 'payments' %}, h.latest_known{% endif %}
  from (select n, k, t, known, bound from probes) as probes
  asof left join (
    select k, r
      {%- for column in prefixes(looked_up).keys() if not column.startswith('next_') %}, {{ column }}{% endfor %}
      {%- if stream == 'payments' %}, latest_known{% endif %}
    from {{ stream }}_history
  ) as h on probes.k = h.k and probes.{{ bound }} > h.r
),
{%- set differenced = looked_up | rejectattr('agg', 'in', ['age_last', 'last']) | list %}
{%- set windows = differenced | map(attribute='window') | unique | list %}
{%- for window in windows %}
{%- set at_window = differenced | selectattr('window', 'eq', window) | list %}
{%- set cumulated = prefixes(at_window).keys() %}
{{ stream }}_{{ window }} as (
  select ended.n
    {%- for a in at_window %}, {{ lookup_sql(a) }} as {{ a.name }}{% endfor %}
  from (
    select n, k, t, until
      {%- for column in cumulated if not column.startswith('next_') %}, {{ column }}{% endfor %}
    from {{ stream }}_ended
  ) as ended
  asof left join (
    select k, r
      {%- for column in cumulated if not column.startswith('first_') %}, {{ column }}{% endfor %}
    from {{ stream }}_history
  ) as before on ended.k = before.k and {{ window_start('ended.t', window) }} > before.r
),
{%- endfor %}
{{ stream }}_looked_up as (
  select ended.n
    {%- for a in looked_up if a.agg in ['age_last', 'last'] %}, {{ lookup_sql(a) }} as {{ a.name }}{% endfor %}
    {%- for a in differenced %}, {{ stream }}_{{ a.window }}.{{ a.name }}{% endfor %}
    {%- for frame in frames %}{% for a in frame.aggregates %}, {{ stream }}_{{ frame.name }}.{{ a.name }}{% endfor %}{% endfor %}
  from {{ stream }}_ended as ended
  {%- for window in windows %}
  join {{ stream }}_{{ window }} on {{ stream }}_{{ window }}.n = ended.n
  {%- endfor %}
  {%- for frame in frames %}
  left join {{ stream }}_{{ frame.name }} on {{ stream }}_{{ frame.name }}.n = ended.n
  {%- endfor %}
  {%- if stream == 'payments' %}
  where not {{ 'true' if var('exact_join') else 'coalesce(ended.latest_known >= ended.known, false)' }}
  {%- endif %}
),
{% if stream == 'payments' %}
{% set disordered = 'true' if var('exact_join') else 'coalesce(latest_known >= known, false)' %}
payments_disordered as (
  select n, k, t, known from payments_ended where {{ disordered }}
),
payments_exact as (
  select p.n, {% for a in plan %}{{ direct_sql(a) }} as {{ a.name }}{{ ", " if not loop.last }}{% endfor %}
  from payments_disordered as p
  left join payments_events as e on e.k = p.k and e.t < p.t and e.known < p.known
  group by p.n
),
{{ stream }}_result as (
  select n, {% for a in plan %}{{ a.name }}{{ ", " if not loop.last }}{% endfor %} from {{ stream }}_looked_up
  union all
  select n, {% for a in plan %}{{ a.name }}{{ ", " if not loop.last }}{% endfor %} from {{ stream }}_exact
)
{% else %}
{{ stream }}_result as (select * from {{ stream }}_looked_up)
{% endif %}
{% endmacro %}

{# Cumulative columns of a key's history that the aggregates of `plan` are looked up from. #}
{% macro prefixes(plan) %}
  {% set out = {} %}
  {% for a in plan %}
    {% set passed = passes(a.filter) %}
    {% set f = a.filter or 'all' %}
    {% set m = sql_measure(a.measure) %}
    {% if a.agg in ['count', 'rate'] %}{% do out.update({'c_' ~ f: '(count(*) filter (where ' ~ passed ~ ') over so_far)::int'}) %}{% endif %}
    {% if a.agg == 'rate' %}{% do out.update({'c_all': '(count(*) over so_far)::int'}) %}{% endif %}
    {% if a.agg in ['mean', 'std'] %}{% do out.update({'c_' ~ f ~ '_' ~ a.measure: '(count(' ~ m ~ ') filter (where ' ~ passed ~ ') over so_far)::int'}) %}{% endif %}
    {% if a.agg in ['sum', 'mean', 'std'] %}{% do out.update({'s_' ~ f ~ '_' ~ a.measure: '(sum(' ~ m ~ ') filter (where ' ~ passed ~ ') over so_far)::bigint'}) %}{% endif %}
    {% if a.agg == 'std' %}{% do out.update({'q_' ~ f ~ '_' ~ a.measure: 'sum(' ~ m ~ '::hugeint * ' ~ m ~ ') filter (where ' ~ passed ~ ') over so_far'}) %}{% endif %}
    {% if a.agg in ['age_first', 'age_last'] %}
      {# Where an event stands in the stream and when its payment was: of a payment both are one. #}
      {% set place = 't' if a.stream == 'payments' else 'struct_pack(r := r, t := t)' %}
      {% set event = 'case when ' ~ passed ~ ' then ' ~ place ~ ' end ignore nulls' %}
      {% if a.agg == 'age_last' %}{% do out.update({'last_' ~ f: 'last_value(' ~ event ~ ') over so_far'}) %}
      {% else %}{% do out.update({'first_' ~ f: 'first_value(' ~ event ~ ') over so_far', 'next_' ~ f: 'first_value(' ~ event ~ ') over to_come'}) %}{% endif %}
    {% endif %}
    {% if a.agg == 'last' %}
      {% do out.update({'last_' ~ f ~ '_' ~ a.measure: 'last_value(case when ' ~ passed ~ ' and ' ~ m ~ ' is not null then struct_pack(r := r, v := ' ~ m ~ ') end ignore nulls) over so_far'}) %}
    {% endif %}
  {% endfor %}
  {{ return(out) }}
{% endmacro %}

{# What a cumulative column grew by within the window. #}
{% macro growth(column) %}
  {{ return('(coalesce(ended.' ~ column ~ ', 0) - coalesce(before.' ~ column ~ ', 0))') }}
{% endmacro %}

{% macro days(micros) %}
  {{ return('(' ~ micros ~ ') / 86400000000.0::double') }}
{% endmacro %}

{# The aggregate from the key's history at the payment (`ended`) and just before the window (`before`). #}
{% macro lookup_sql(a) %}
  {% set f = a.filter or 'all' %}
  {% set fm = f ~ '_' ~ a.measure %}
  {% set start = window_start('ended.t', a.window) %}
  {% if a.agg == 'count' %}{{ return(growth('c_' ~ f)) }}{% endif %}
  {% if a.agg == 'rate' %}{{ return(growth('c_' ~ f) ~ ' / nullif(' ~ growth('c_all') ~ ', 0)::double') }}{% endif %}
  {% if a.agg == 'sum' %}{{ return(growth('s_' ~ fm) ~ '::double') }}{% endif %}
  {% if a.agg == 'mean' %}{{ return(growth('s_' ~ fm) ~ '::double / nullif(' ~ growth('c_' ~ fm) ~ ', 0)') }}{% endif %}
  {% if a.agg == 'std' %}{{ return(std_sql(growth('c_' ~ fm), growth('s_' ~ fm), growth('q_' ~ fm))) }}{% endif %}
  {% set r, at = ('', '') if a.stream == 'payments' else ('.r', '.t') %}
  {% if a.agg == 'age_last' %}{{ return('case when ended.last_' ~ f ~ r ~ ' >= ' ~ start ~ ' then ' ~ days('ended.t - ended.last_' ~ f ~ at) ~ ' end') }}{% endif %}
  {% if a.agg == 'last' %}{{ return('case when ended.last_' ~ fm ~ '.r >= ' ~ start ~ ' then ended.last_' ~ fm ~ '.v end') }}{% endif %}
  {% set candidate = 'case when before.k is null then ended.first_' ~ f ~ ' else before.next_' ~ f ~ ' end' %}
  {{ return('case when (' ~ candidate ~ ')' ~ r ~ ' < ended.until then ' ~ days('ended.t - (' ~ candidate ~ ')' ~ at) ~ ' end') }}
{% endmacro %}

{# Sample standard deviation from exact integer count, sum and sum of squares; null below two. #}
{% macro std_sql(count, sum, squares) %}
  {{ return('case when ' ~ count ~ ' > 1 then sqrt((' ~ count ~ '::hugeint * ' ~ squares ~ ' - ' ~ sum ~ '::hugeint * ' ~ sum ~ ')::double / (' ~ count ~ '::double * (' ~ count ~ ' - 1))) end') }}
{% endmacro %}

{# Framed aggregates grouped by what they can share: all maxima, and the distinct counts of one measure each, which only
   look at events and payments that have it (`present`). #}
{% macro frames_of(framed) %}
  {% set frames = [] %}
  {% set maxima = framed | selectattr('agg', 'eq', 'max') | list %}
  {% if maxima %}{% do frames.append({'name': 'max', 'aggregates': maxima, 'present': none}) %}{% endif %}
  {% set distinct = framed | selectattr('agg', 'eq', 'distinct') | list %}
  {% for measure in distinct | map(attribute='measure') | unique %}
    {% do frames.append({
      'name': 'distinct_' ~ measure, 'aggregates': distinct | selectattr('measure', 'eq', measure) | list,
      'present': sql_measure(measure),
    }) %}
  {% endfor %}
  {{ return(frames) }}
{% endmacro %}

{% macro frame_columns(frame) %}
  {% set out = [] %}
  {% for a in frame.aggregates %}
    {% do out.append('case when ' ~ passes(a.filter) ~ ' then ' ~ sql_measure(a.measure) ~ ' end') %}
  {% endfor %}
  {{ return(out | join(', ')) }}
{% endmacro %}

{% macro frame_sql(a, position) %}
  {% set call = 'max(v' ~ position ~ ')' if a.agg == 'max' else 'count(distinct v' ~ position ~ ')' %}
  {{ return(call ~ ' over (partition by k order by r range between greatest(r - (' ~ window_start('t', a.window) ~ '), 0) preceding and 1 preceding)') }}
{% endmacro %}

{# The aggregate in the words of its definition, over the visible events `e` of a payment `p`. #}
{% macro direct_sql(a) %}
  {% set seen = ' filter (where e.n is not null and ' ~ passes(a.filter) ~ ' and e.t >= ' ~ window_start('p.t', a.window) ~ ')' %}
  {% set every = ' filter (where e.n is not null and e.t >= ' ~ window_start('p.t', a.window) ~ ')' %}
  {% set m = 'e.' ~ sql_measure(a.measure) %}
  {% set sql = {
    'count': 'count(*)' ~ seen,
    'rate': 'count(*)' ~ seen ~ ' / nullif(count(*)' ~ every ~ ', 0)::double',
    'sum': 'coalesce(sum(' ~ m ~ ')' ~ seen ~ ', 0)::double',
    'mean': 'sum(' ~ m ~ ')' ~ seen ~ '::double / nullif(count(' ~ m ~ ')' ~ seen ~ ', 0)',
    'std': std_sql('(count(' ~ m ~ ')' ~ seen ~ ')', '(sum(' ~ m ~ ')' ~ seen ~ ')', '(sum(' ~ m ~ '::hugeint * ' ~ m ~ ')' ~ seen ~ ')'),
    'max': 'max(' ~ m ~ ')' ~ seen,
    'distinct': 'count(distinct ' ~ m ~ ')' ~ seen,
    'age_first': days('max(p.t) - min(e.t)' ~ seen),
    'age_last': days('max(p.t) - max(e.t)' ~ seen),
    'last': 'arg_max(' ~ m ~ ', (e.t, e.n))' ~ seen ~ '',
  } %}
  {{ return(sql[a.agg]) }}
{% endmacro %}

{# A distinct count of something the payment itself lacks is null, so that an absent column never looks like zero. #}
{% macro own_sql(a) %}
  {% set value = a.stream ~ '_result.' ~ a.name %}
  {% if a.agg != 'distinct' %}{{ return(value) }}{% endif %}
  {{ return('case when probes.' ~ sql_measure(a.measure) ~ ' is not null then ' ~ value ~ ' end') }}
{% endmacro %}

{# Columns of an event that its measures and filters read. #}
{% macro event_columns(plan, states) %}
  {% set columns = [] %}
  {% for a in plan if a.measure %}{% do columns.append(sql_measure(a.measure)) %}{% endfor %}
  {% for filter in (plan | map(attribute='filter') | list) + (states | map(attribute='of') | list) if filter %}
    {% set spec = var('features').filters[filter] %}
    {% for flag in [spec.when, spec.unless] if flag %}{% do columns.append(flag) %}{% endfor %}
  {% endfor %}
  {{ return(columns | unique | list) }}
{% endmacro %}
