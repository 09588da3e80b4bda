with payments as (
  select n, source, transaction_id, t, known, t + {{ micros(var('label_maturity')) }} as due
  from {{ ref('int_payments') }}
),
judgements as (
  select * from {{ ref('stg_judgements') }}
),
verdicts as (
  select n, due, payments.known as payment_known, greatest(judgements.known, payments.known) as r, judgements.is_fraud, judgement_id
  from judgements
  join payments using (source, transaction_id)
  where judgements.known <= payments.t + {{ label_horizon() }}
),
chained as (
  select
    *,
    lag(is_fraud) over in_order as previous,
    row_number() over in_order = 1 as is_first
  from verdicts
  window in_order as (partition by n order by r, is_fraud, judgement_id)
),
matured as (
  select payments.n, greatest(payments.due, payments.known) as r, false as is_fraud
  from payments
  left join chained on chained.n = payments.n and chained.is_first
  where chained.n is null or chained.r > greatest(payments.due, payments.known)
),
turns as (
  select n, r, is_fraud
  from chained
  where case when is_first then is_fraud or r <= greatest(due, payment_known) else is_fraud <> previous end
)
select * from matured
union all
select * from turns
