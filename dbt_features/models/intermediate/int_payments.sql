{% set accounts = ['customer_id', 'counterparty_id'] %}
{% set columns = ['device_id', 'instrument_id', 'mcc', 'city'] %}
with payments as (
  select
    row_number() over (order by event_time, source, transaction_id)::int as n,
    source, transaction_id, event_time, event_date, known_time,
    epoch_us(event_time) as t, epoch_us(known_time) as known,
    extract(hour from timezone('{{ var("timezone") }}', event_time))::int as hour,
    extract(isodow from timezone('{{ var("timezone") }}', event_time))::int as weekday,
    amount_minor as amount, kind, status, channel, counterparty_type, latitude, longitude,
    customer_id, counterparty_id, device_id, instrument_id, mcc, city
  from {{ ref('stg_payments') }}
),
account_codes as (
  select id, row_number() over ()::bigint as code
  from (select customer_id as id from payments union select counterparty_id from payments)
  where id is not null
),
{% for column in columns %}
{{ column }}_codes as (
  select id, row_number() over ()::bigint as code
  from (select distinct {{ column }} as id from payments where {{ column }} is not null)
),
{% endfor %}
coded as (
  select
    payments.* exclude (customer_id, counterparty_id, device_id, instrument_id, mcc, city),
    customer_id_codes.code as customer_id_code,
    counterparty_id_codes.code as counterparty_id_code,
    case when counterparty_type <> 'merchant' then counterparty_id_codes.code end as payee_account_id_code,
    {%- for column in columns %}
    {{ column }}_codes.code as {{ column }}_code,
    {%- endfor %}
    (hour // 4)::bigint as daypart_code,
    ((hour + 2) % 24 // 4)::bigint as daypart_shifted_code
  from payments
  left join account_codes as customer_id_codes on customer_id_codes.id = customer_id
  left join account_codes as counterparty_id_codes on counterparty_id_codes.id = counterparty_id
  {%- for column in columns %}
  left join {{ column }}_codes on {{ column }}_codes.id = {{ column }}
  {%- endfor %}
)
select * from coded
