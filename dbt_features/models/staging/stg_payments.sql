select *
from {{ source('lake', 'transactions') }}
where event_date between {{ history_start() }} and date '{{ var("to_date") }}'
